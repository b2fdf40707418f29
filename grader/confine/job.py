"""A job: one submission with a network, folders and a user id of its own.

The judge goes into the job's namespaces itself, with the peers that it starts, so
that ports, abstract names and what is in memory are those of this submission alone;
the submission's programs live in boxes inside (`grader.confine.box`).
"""

from __future__ import annotations

import os
import secrets
import shutil
import string
import sys
import tempfile
from pathlib import Path

from grader.confine.box import Box, interpreter
from grader.confine.intake import NotTaken, taken
from grader.processes.forkserver import PROJECT
from grader.processes.namespaces import mount_memory, unmount

#: Room for what a submission's programs write, all of them together.
_BYTES, _FILES = 64 << 20, 4096
#: From here on no system gives out user ids; one for each judge.
_FIRST_USER = 2_000_000


class Job:
    """The place of one submission; there until it is closed.

    Attributes:
        user, group: the ids that its programs have: nobody else's, if the judge is root.
        files: folder with the submission's own files, which programs can read.
        reasons: path of a file that was not taken in -> why, as a sentence.
    """

    def __init__(self) -> None:
        is_roots = os.geteuid() == 0
        self.user = _FIRST_USER + os.getpid() if is_roots else os.geteuid()
        self.group = self.user if is_roots else os.getegid()
        self._root = Path(tempfile.mkdtemp(prefix="thirteen-bytes-"))
        self._work = _made_in(Path("/tmp"), "13-", 3)
        self.reasons: dict[Path, str] = {}
        for folder in (self._root, self._work):
            mount_memory(folder, _BYTES, _FILES)
            folder.chmod(0o755)
        self.files, self._built, self._temporary = (self._root / name for name in ("files", "built", "tmp"))
        for folder in (self.files, self._built, self._temporary):
            folder.mkdir()
        self._temporary.chmod(0o1777)
        # under these, boxes have something mounted that the programs read
        read = (self._root, self._work, PROJECT, sys.prefix, sys.base_prefix)
        self._mounted = {str(Path(*Path(path).parts[:3])) for path in read}

    @property
    def can_give_rights(self) -> bool:
        """Whether its programs can have raw and packet sockets: bubblewrap makes a user
        namespace for who is not root, and that does not own the network."""
        return os.geteuid() == 0

    @property
    def tier(self) -> str:
        """What shuts its programs in, in words."""
        whose = ", a user id of their own" if os.geteuid() == 0 else ""
        return f"namespaces (bwrap){whose} and a filter (seccomp)"

    def take_in(self, submission: Path, name: str) -> Path:
        """Copy a file of the submission to where its programs are read from.

        A file that is no plain text is not taken in: `reasons` says why.

        Args:
            name: its path in the submission.

        Returns:
            The copy, or where it would be.
        """
        copy = self.files / name
        try:
            content = taken(submission, name)
        except NotTaken as error:
            self.reasons[copy] = str(error)
            return copy
        except FileNotFoundError:
            return copy
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
        return copy

    def give(self, path: str | Path) -> None:
        """Let the programs be the owner of something in a `folder`."""
        if os.geteuid() == 0:
            os.lchown(path, self.user, self.group)

    def folder(self) -> Path:
        """A new folder of one check, at the same path for the judge and for programs."""
        return _made_in(self._work, "", 4)

    def built(self, module: Path) -> Path:
        """A copy of a module that was built, where programs can load it."""
        copy = self._built / module.parent.name / module.name
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(module, copy)
        return copy

    def box_of_programs(self, shown: tuple[Path, ...], network: int = 0, may_sniff: bool = False) -> Box:
        """The box that a launcher runs in, with all the programs that it forks.

        Args:
            shown: what the launcher itself needs to read.
            network: a process whose network it is in; 0 for the judge's.
            may_sniff: whether they may have raw and packet sockets there.
        """
        _program, folders = interpreter()
        return Box(
            self.user,
            self.group,
            shown=(*folders, *shown, self.files, self._built),
            lent=(self._work,),
            temporary=self._temporary,
            network=network or os.getpid(),
            has_processes=True,
            may_sniff=may_sniff,
        )

    def box_of_compiler(self, shown: tuple[Path, ...]) -> Box:
        """The box that the compiler reads a submission's file in."""
        return Box(self.user, self.group, shown=(self.files, *shown))

    def forget_what_was_written(self) -> None:
        """Empty the programs' ``/tmp``: the next one finds nothing of the last one's."""
        for entry in os.scandir(self._temporary):
            if entry.is_dir(follow_symlinks=False):
                if f"/tmp/{entry.name}" in self._mounted:
                    continue
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)

    def close(self) -> None:
        """Remove its folders."""
        for folder in (self._root, self._work):
            unmount(folder)
            folder.rmdir()


def _made_in(folder: Path, prefix: str, length: int) -> Path:
    """A new folder, of so many letters: together as long as the name of a folder of a
    check that nobody confines, for values in which it stands are cut somewhere."""
    while True:
        path = folder / (prefix + "".join(secrets.choice(string.ascii_lowercase) for _ in range(length)))
        try:
            path.mkdir(mode=0o755)
        except FileExistsError:
            continue
        return path
