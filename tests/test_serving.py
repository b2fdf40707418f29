"""Servers that go on: many clients at once, what they keep, when they rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.plugin.trial import play
from grader.verbs.broken import Broken
from grader.verbs.cast import Cast
from grader.verbs.stage import Stage, Unit
from tests.conftest import by_slug

ECHO = by_slug("echo_server")
ACCEPTED = ECHO.root / "solutions" / ECHO.key / "accepted"

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


@pytest.fixture
def cast_of(tmp_path: Path) -> Iterator[Callable[[str], Cast]]:
    """The parts of a check of a Python program, by its text."""
    open_now: list = []

    def make(text: str) -> Cast:
        path = tmp_path / "echo_server.py"
        path.write_text(text)
        unit = Unit(ECHO, "python", path)
        stage = Stage([unit])
        cast = Cast(stage, unit)
        open_now.extend([stage, cast])
        return cast

    yield make
    for thing in reversed(open_now):
        thing.close()


@pytest.mark.parametrize("name", ["threads.py", "selectors_loop.py"])
def test_a_hundred_clients_at_once(name: str, cast_of: Callable[[str], Cast]) -> None:
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


def test_a_connection_whose_client_is_gone_is_found(cast_of: Callable[[str], Cast]) -> None:
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
    assert len(cast.scene.deserted) == 1


def test_a_server_that_never_sleeps_is_found(cast_of: Callable[[str], Cast]) -> None:
    cast = cast_of(SPINS)
    cast["learner"].serves("serve", cast["port"])

    with pytest.raises(Broken, match="again and again"):
        cast["learner"].rests()
