"""Clients of a Unix datagram server: what a check does to them, and sees of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.catalogue.unit import Unit
from grader.stage.paths import clear
from grader.stage.stage import Stage
from grader.trial.performance import explain, play
from grader.verbs.cast import Cast
from tests.conftest import by_slug

ASKS = """
import os
import socket

def ask(path, question, seconds):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        {opens}
        sock.send(question)
        answer = sock.recv(65536)
        {tidies}
    return answer
"""
IN_ORDER = "sock.connect(path)\n        sock.bind('')"


@pytest.fixture
def cast_of(tmp_path: Path) -> Iterator[Callable[..., Cast]]:
    """The parts of a check of 22, by how a program opens its socket."""
    open_now: list = []

    def make(opens: str, tidies: str = "") -> Cast:
        exercise = by_slug("unix_datagram")
        path = tmp_path / exercise.file_name("python")
        path.write_text(ASKS.format(opens=opens, tidies=tidies))
        unit = Unit(exercise, "python", path)
        open_now.append(Stage([unit]))
        open_now.append(Cast(open_now[-1], unit))
        return open_now[-1]

    yield make
    for thing in reversed(open_now):
        thing.close()


@pytest.mark.parametrize(
    ("opens", "tidies", "told"),
    [
        (IN_ORDER, "", ""),
        ("sock.connect(path)\n        sock.bind(path + '-me')", "os.unlink(path + '-me')", "gets OSError (EADDRINUSE)"),
        (
            "import contextlib\n        with contextlib.suppress(OSError):\n            os.unlink(path + '-me')\n"
            "        sock.connect(path)\n        sock.bind(path + '-me')",
            "os.unlink(path + '-me')",
            "has the same address",
        ),
        ("sock.connect(path)\n        sock.bind(f'{path}-{os.getpid()}')", "os.unlink(sock.getsockname())", ""),
    ],
)
def test_two_processes_ask_at_once(cast_of: Callable[..., Cast], opens: str, tidies: str, told: str) -> None:
    cast = cast_of(opens, tidies)
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]

    def script() -> None:
        path = peer.binds(folder.path())
        learner.runs("ask", path, b"one", 60.0)
        peer.receives(b"one")
        first = peer.asker
        peer.is_asked_by_another("ask", path, b"two", 60.0, otherwise="shared-path")
        peer.sends(b"to the second")
        peer.sends(b"to the first", to=first)
        learner.returns(b"to the first")

    found = play(script, cast)
    assert (found is not None) == bool(told)
    if found is not None:
        assert (found.kind, found.gap) == ("shared-address", "shared-path")
        assert told in found.sentence


@pytest.mark.parametrize(
    ("opens", "is_right"),
    [
        (IN_ORDER, True),
        ("sock.bind('')\n        sock.connect(path)", False),
        ("sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)\n        sock.connect(path)", True),
    ],
)
def test_a_stranger_is_early(cast_of: Callable[..., Cast], opens: str, is_right: bool) -> None:
    cast = cast_of(opens)
    learner, folder, peer, stranger = cast["learner"], cast["folder"], cast["peer"], cast["other_peer"]
    cast["fault"]("bind", hold=True, when="1")
    cast["fault"]("send", hold=True, when="1")

    def script() -> None:
        path = peer.binds(folder.path())
        learner.runs("ask", path, b"question", 60.0)
        stranger.sends_early(b"stray")
        learner.is_held()
        peer.receives(b"question")
        peer.sends(b"answer")
        learner.goes_on()
        learner.returns(b"answer", mistakes={b"stray": "any-sender"})

    found = play(script, cast)
    assert (found is None) == is_right
    if found is not None:
        assert "and before connect()" in explain(found, cast.scene).sentence


@pytest.mark.parametrize(
    ("opens", "kind", "told"),
    [
        ("sock.connect(path)", "unnamed", "sends from a socket that has no address"),
        (
            "sock.connect(path)\n        sock.bind(path + '-me')\n        os.unlink(path + '-me')",
            "unreachable",
            "removes the path of the own address before the answer has come",
        ),
        ("sock.connect(path)\n        sock.bind(path + '-me')", "left-path", "makes a path that is left behind"),
    ],
)
def test_an_answer_does_not_arrive(cast_of: Callable[..., Cast], opens: str, kind: str, told: str) -> None:
    cast = cast_of(opens)
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]

    def script() -> None:
        learner.runs("ask", peer.binds(folder.path()), b"question", 60.0)
        peer.receives(b"question")
        peer.sends(b"answer")
        learner.returns(b"answer")

    found = play(script, cast)
    assert found is not None
    assert found.kind == kind
    assert told in explain(found, cast.scene).sentence


def test_a_full_queue_has_room_again(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(IN_ORDER)
    learner, folder, peer, other = cast["learner"], cast["folder"], cast["peer"], cast["other_peer"]

    def script() -> None:
        path = peer.binds(folder.path())
        count = other.fills(path)
        learner.runs("ask", path, b"question", 60.0)
        learner.waits_in("send")
        peer.takes(count)
        peer.receives(b"question")
        peer.sends(b"answer")
        learner.returns(b"answer")

    assert play(script, cast) is None


def test_what_is_left_elsewhere_is_removed(cast_of: Callable[..., Cast], tmp_path: Path) -> None:
    own = tmp_path / "own"
    cast = cast_of(f"sock.connect(path)\n        sock.bind({str(own)!r})")
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]

    def script() -> None:
        learner.runs("ask", peer.binds(folder.path()), b"question", 60.0)
        peer.receives(b"question")
        peer.sends(b"answer")
        learner.returns(b"answer")

    found = play(script, cast)
    assert found is not None
    assert found.kind == "left-path"
    assert own.is_socket()
    clear(cast.scene)
    assert not own.exists()
