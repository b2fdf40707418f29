"""A temporary directory of one check: what the script has put there, and what
the program has made of it."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TypeVar

from grader.confine.job import Job
from grader.stage.stand_ins import renamed

#: What reports call it: its real name is another one in every run.
SHOWN = "/tmp/13"

_KINDS = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFREG: "a regular file",
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
}

_Thing = TypeVar("_Thing")
#: A file's inode, its mode, and its bytes or where it points to.
_Look = tuple[int, int, bytes]


class Folder:
    """The directory; it is there until it is removed.

    Args:
        job: whose programs are to find everything there their own, if they are confined.

    Attributes:
        root: its absolute path.
    """

    def __init__(self, job: Job | None = None) -> None:
        self._job = job
        # short, so that values in which it stands are cut at the same place, and in
        # every run of the same last name, which is shown of a path
        self._place = job.folder() if job else Path(tempfile.mkdtemp(prefix="13-", dir="/tmp"))
        self.root = self._place / "13"
        self.root.mkdir()
        for folder in (self._place, self.root):
            folder.chmod(0o755)  # other users may look
        if job is not None:
            job.give(self.root)
        self._known: dict[str, _Look] = {}
        self._stale: set[str] = set()
        self._offered: set[str] = set()
        self._written: set[str] = set()

    def remember(self) -> None:
        """What is there now is as it should be."""
        self._known = self._seen()

    def knows(self, path: str) -> None:
        """The same of one path alone, which a peer has just made or removed."""
        name, seen = os.path.relpath(path, self.root), self._seen()
        if self._job is not None and name in seen:
            self._job.give(path)
        if name in seen:
            self._known[name] = seen[name]
        else:
            self._known.pop(name, None)

    def change(self, *, has_written: bool | None = None) -> tuple[str, str]:
        """What is not as it should be: ``"left"``, ``"gone"`` or ``"changed"`` and the
        name; two empty texts if all is.

        Args:
            has_written: whether what the program has written to a path that it was
                offered is there to stay; None if there is no such path.
        """
        seen = self._seen()
        for name in sorted(seen.keys() | self._known.keys()):
            is_stale = name in self._stale
            if has_written is not None and name in self._offered and name in seen:
                if has_written or name in self._known:
                    continue
                return "left", name
            if name in self._written:
                if name in self._known and name not in seen:
                    return "gone", name
                continue
            if name not in self._known:
                return "left", name
            if name not in seen:
                if is_stale:
                    continue
                return "gone", name
            if seen[name] != self._known[name]:
                return "left" if is_stale else "changed", name
        return "", ""

    def is_stale(self, path: str) -> None:
        """A path is nobody's: it may be removed, and something else be made there."""
        self._stale.add(os.path.relpath(path, self.root))

    def offers(self, path: str) -> None:
        """The program may write to a path, and make a file there."""
        self._offered.add(os.path.relpath(path, self.root))

    def is_written(self, path: str) -> None:
        """A path is a file that the program may make, and may write to."""
        self._written.add(os.path.relpath(path, self.root))

    @property
    def standing(self) -> dict[str, str]:
        """Path -> what is there by right and not for the program to write to, in words:
        ``a socket``, ``a stale socket``."""
        return {
            str(self.root / name): "a stale socket" if name in self._stale else _KINDS[stat.S_IFMT(mode)]
            for name, (_inode, mode, _content) in self._known.items()
            if name not in self._offered
        }

    def _seen(self) -> dict[str, _Look]:
        return {str(path.relative_to(self.root)): _look(path) for path in sorted(self.root.rglob("*"))}

    def hidden(self, thing: _Thing) -> _Thing:
        """A thing all of whose texts, deep down, call the directory `SHOWN`."""
        return renamed(thing, self.stand_ins)

    @property
    def stand_ins(self) -> dict[str, str]:
        """What reports call the directory."""
        return {str(self.root): SHOWN}

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self._place, ignore_errors=True)


def _look(path: Path) -> _Look:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return found.st_ino, found.st_mode, os.fsencode(path.readlink())
    is_read = stat.S_ISREG(found.st_mode) and os.access(path, os.R_OK)
    return found.st_ino, found.st_mode, path.read_bytes() if is_read else b""
