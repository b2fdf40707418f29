"""The paths that a function has bound sockets to: they are not gone by themselves."""

from __future__ import annotations

import os
import stat

from grader.stage.broken import Broken
from grader.stage.scene import Scene
from grader.verdict.evidence import Failure, Run

#: Directories that are there for everybody's files, and may well be empty.
_COMMON = ("/", "/tmp", "/var/tmp", "/dev/shm", "/run")
_WORDS = {
    "left": ("left-path", "{path} is left behind when {function}() has returned"),
    "gone": ("path-touched", "{path}, which is not the program's, is gone when {function}() has returned"),
    "changed": ("path-touched", "{path}, which is not the program's, is another one when {function}() has returned"),
}


def judge_paths(scene: Scene) -> None:
    """Whether a function has left files as it found them.

    Raises:
        Broken: it has left a socket's path behind, or touched what is another's.
    """
    run, folder = scene.runs[-1], scene.arranged.folder
    what, name = folder.change(has_written=run.succeeded) if folder is not None else ("", "")
    if what:
        _broken(what, str(folder.root / name), run.function)
    for path in _bound(scene, run):
        if _is_socket(path) and not (folder is not None and path.startswith(f"{folder.root}/")):
            _broken("left", path, run.function)
        home = os.path.dirname(path)
        if home not in _COMMON and (folder is None or home != str(folder.root)) and _is_empty(home):
            _broken("left", home, run.function)


def _broken(what: str, path: str, function: str) -> None:
    kind, words = _WORDS[what]
    raise Broken(Failure(kind, words.format(path=path, function=function), read="unix(7), unlink(2)"))


def clear(scene: Scene) -> None:
    """Remove the sockets that the program's functions have left outside of the script's
    directory, for they would be in the way of later ones."""
    for path in (path for run in scene.runs for path in _bound(scene, run)):
        if _is_socket(path):
            os.unlink(path)


def _bound(scene: Scene, run: Run) -> list[str]:
    """The absolute paths that a function has bound sockets to."""
    calls = (c for c in scene.process.trace.calls if run.first <= c.index and c.name == "bind" and c.path)
    at = ((run.outcome or {}).get("found") or {}).get("directory") or "/"
    paths = (os.fsdecode(c.path) for c in calls if c.done and not c.failed and not c.path.startswith(b"\0"))
    return [os.path.join(at, path) for path in paths]


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except OSError:
        return False


def _is_empty(directory: str) -> bool:
    try:
        return not os.listdir(directory)
    except OSError:
        return False
