"""Servers that go on: many clients at once, what they keep, when they rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grader.stage import aftermath
from grader.stage.broken import Broken
from grader.trial.performance import play
from grader.verbs.cast import Cast
from grader.verdict.transcript import tell
from tests.conftest import by_slug

ECHO = by_slug("echo_server")
ACCEPTED = ECHO.root / "solutions" / ECHO.key / "accepted"
ROOM = ECHO.root / "solutions" / "13_event_loop" / "accepted"

#: A program that never gives a connection back, and serves nobody.
KEEPS = """
import socket
KEPT = []
def serve(port):
    listener = socket.socket()
    listener.bind(("", int(port)))
    listener.listen()
    while True:
        KEPT.append(listener.accept())
"""
#: One that looks without end whether there is something to do.
SPINS = """
import socket
def serve(port):
    listener = socket.socket()
    listener.bind(("", int(port)))
    listener.listen()
    listener.setblocking(False)
    while True:
        try:
            listener.accept()
        except BlockingIOError:
            pass
"""


@pytest.mark.parametrize("name", ["threads.py", "selectors_loop.py"])
def test_a_hundred_clients_at_once(name: str, cast_of: Callable[..., Cast]) -> None:
    cast = cast_of((ACCEPTED / name).read_text())
    learner, port, crowd = cast["learner"], cast["port"], cast["clients"].crowd(100)
    words = [f"client {number}".encode() for number in range(100)]

    def script() -> None:
        learner.serves("serve", port)
        crowd.connects(port)
        crowd.sends(words)
        crowd.receives(words)
        crowd.half_closes()
        crowd.sees_end_of_file()

    assert play(script, cast) is None
    assert [step.text for step in cast.scene.steps[1:]] == [
        "100 clients connect", "100 clients send", "100 clients receive", "100 clients half-close",
        "100 clients see end-of-file",
    ]  # fmt: skip


def test_a_connection_whose_client_is_gone_is_found(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(KEEPS)
    learner, port = cast["learner"], cast["port"]
    ann, bob = cast["clients"]("ann", "bob")

    def script() -> None:
        learner.serves("serve", port)
        ann.connects(port)
        bob.connects(port)
        learner.rests()
        ann.closes()

    failure = play(script, cast)

    assert failure is not None
    assert failure.kind == "left-open"
    assert len(cast.scene.world.deserted) == 1


def test_a_server_that_never_sleeps_is_found(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(SPINS)
    cast["learner"].serves("serve", cast["port"])

    with pytest.raises(Broken, match="over and over; each time it raised BlockingIOError"):
        cast["learner"].rests()


def test_what_peers_do_while_a_program_is_stopped_comes_at_once(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of((ACCEPTED / "selectors_loop.py").read_text())
    learner, port = cast["learner"], cast["port"]
    ann, bob = cast["clients"]("ann", "bob")

    def script() -> None:
        learner.serves("serve", port)
        ann.connects(port)
        learner.rests()
        bob.connects(port)
        learner.is_stopped()
        ann.sends(b"one")
        bob.sends(b"two")
        ann.half_closes()
        learner.goes_on()
        bob.receives(b"two")
        ann.receives(b"one")
        ann.sees_end_of_file()

    assert play(script, cast) is None
    waits = [call.result for call in cast.scene.process.trace.calls if call.any_of("wait")]
    assert max(waits) == 2
    told = [line.text for line in tell(aftermath.evidence(cast.scene, lines=True), cast.scene.steps)]
    stop, go = told.index("is stopped (SIGSTOP)"), told.index("goes on (SIGCONT)")
    assert told[stop + 1 : go] == ["ann sends 3 bytes", "bob sends 3 bytes", "ann half-closes"]


def test_a_stop_interrupts_no_wait_of_a_program(cast_of: Callable[..., Cast]) -> None:
    dies_of_interruption = (ROOM / "epoll.c").read_text().replace("return errno == EINTR;", "return 0;")
    cast = cast_of(dies_of_interruption, "event_loop", "c")
    learner, port = cast["learner"], cast["port"]
    ann, bob = cast["clients"]("ann", "bob")

    def script() -> None:
        learner.serves("serve", port)
        ann.connects(port)
        bob.connects(port)
        learner.is_stopped()
        learner.goes_on()
        ann.sends(b"line\n")
        bob.receives(b"line\n")

    assert play(script, cast) is None


def test_a_child_goes_on_while_its_parent_is_stopped(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(by_slug("fork_server").solution("python").read_text(), "fork_server")
    learner, port = cast["learner"], cast["port"]
    (ann,) = cast["clients"]("ann")

    def script() -> None:
        learner.serves("serve", port)
        ann.connects(port)
        learner.is_stopped()
        ann.sends(b"one")
        ann.receives(b"one")
        ann.half_closes()
        ann.sees_end_of_file()
        learner.rests()
        assert "Z" in cast.scene.process.family().values()
        learner.goes_on()

    assert play(script, cast) is None
