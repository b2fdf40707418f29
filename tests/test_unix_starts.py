"""Servers that start at a path: what the script can have there, and what it sees of the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.catalogue.unit import Unit
from grader.stage.stage import Stage
from grader.trial.performance import explain, play
from grader.verbs.cast import Cast
from tests.conftest import by_slug

#: Asks for the lock of a directory, says whether a path is there, and goes on as it is told.
STARTS = """
import fcntl
import os
import socket

def serve(path):
    fd = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    fcntl.flock(fd, {lock})
    {then}
"""


@pytest.fixture
def cast_of(tmp_path: Path) -> Iterator[Callable[..., Cast]]:
    """The parts of a check of 21, by the text of a program."""
    open_now: list = []

    def make(then: str, lock: str = "fcntl.LOCK_EX") -> Cast:
        exercise = by_slug("unix_server")
        path = tmp_path / exercise.file_name("python")
        path.write_text(STARTS.format(then=then, lock=lock))
        unit = Unit(exercise, "python", path)
        open_now.append(Stage([unit]))
        open_now.append(Cast(open_now[-1], unit))
        return open_now[-1]

    yield make
    for thing in reversed(open_now):
        thing.close()


def test_a_server_that_starts_is_waited_for(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(
        "os.close(fd)\n    with socket.socket(socket.AF_UNIX) as s:\n        s.connect(path)\n"
        "    raise OSError(98, path)"
    )
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]

    def script() -> None:
        path = folder.path()
        peer.locks(folder)
        peer.holds(path)
        learner.runs("serve", path)
        learner.rests()
        folder.is_untouched()
        peer.begins_to_listen(path)
        peer.unlocks()
        learner.raises("EADDRINUSE", named=True)

    assert play(script, cast) is None


@pytest.mark.parametrize(("lock", "kind"), [("fcntl.LOCK_EX", ""), ("fcntl.LOCK_SH", "unlocked")])
def test_a_shared_lock_is_none(cast_of: Callable[..., Cast], lock: str, kind: str) -> None:
    cast = cast_of("import signal\n    signal.pause()", lock)
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]

    def script() -> None:
        learner.serves("serve", folder.path())
        learner.rests()
        peer.finds_locked(folder)

    found = play(script, cast)
    assert (found.kind if found else "") == kind


def test_a_lock_that_is_kept_is_told(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of("import signal\n    signal.pause()")
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]

    def script() -> None:
        learner.serves("serve", folder.path())
        learner.rests()
        peer.locks(folder)

    found = play(script, cast)
    assert found is not None
    assert (found.kind, found.sentence) == ("locked", "another server cannot start: the directory is still locked")


@pytest.mark.parametrize(
    ("then", "kind"),
    [
        ("os.close(fd)\n    raise OSError", ""),
        ("os.close(fd)\n    os.unlink(path)\n    raise OSError", ""),
        ("os.close(fd)\n    os.unlink(path)\n    open(path, 'w').close()\n    raise OSError", "left-path"),
    ],
)
def test_a_stale_socket_may_go(cast_of: Callable[..., Cast], then: str, kind: str) -> None:
    cast = cast_of(then)
    learner, folder = cast["learner"], cast["folder"]

    def script() -> None:
        learner.runs("serve", folder.has_stale_socket())
        learner.raises()

    found = play(script, cast)
    assert (found.kind if found else "") == kind


def test_what_has_another_name_is_not_the_programs_any_more(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of("os.close(fd)\n    s = socket.socket(socket.AF_UNIX)\n    s.bind(path)\n    s.listen()\n"
                   "    s.accept()\n    s.close()\n    os.unlink(path)\n    raise OSError(9, path)")  # fmt: skip
    learner, folder, peer, client = cast["learner"], cast["folder"], cast["peer"], cast["other_peer"]

    def script() -> None:
        path = folder.path()
        learner.runs("serve", path)
        learner.waits_in("accept")
        old = folder.moves("server", to="old")
        peer.listens(path)
        client.connects(old)
        learner.raises("EBADF")

    found = play(script, cast)
    assert found is not None
    assert found.kind == "path-touched"
    assert "removes a path that another server has taken meanwhile" in explain(found, cast.scene).sentence


def test_a_program_is_called_in_the_directory(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of("os.close(fd)\n    raise FileNotFoundError if not os.path.exists(path) else PermissionError")
    learner, folder, caller = cast["learner"], cast["folder"], cast["caller"]

    def script() -> None:
        folder.has_file("notes")
        caller.works_in(folder)
        learner.runs("serve", "notes")
        learner.raises("EACCES")
        learner.runs("serve", "absent")
        learner.raises("ENOENT")

    assert play(script, cast) is None
