"""What a check can have in a temporary directory, and see there."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Mapping
from pathlib import PurePath

from grader.peers.places import UNIX, UNIX_DATAGRAM, Place
from grader.stage.broken import Broken
from grader.stage.folder import Folder
from grader.stage.scene import Scene
from grader.verbs.capturing import CaptureVerbs
from grader.verbs.lent import OpenFile
from grader.verdict.evidence import Failure
from grader.verdict.transcript import Step


class Directory(CaptureVerbs):
    """A temporary directory of this run, with nothing in it but what the script has
    put there.

    When a function has returned, it must hold that and no more, untouched.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        scene.arranged.folder = self._folder = Folder(scene.stage.job)
        self._open: list[OpenFile] = []
        self._gates: dict[str, int] = {}

    def path(self, name: str = "server", *, size: int = 0, datagrams: bool = False) -> str:
        """The absolute path of a name there, which need not exist.

        Args:
            name: ``"./server"`` is another spelling of ``"server"``.
            size: how many bytes the path is to have; the name is made longer.
            datagrams: whether who connects to it has a datagram socket.
        """
        path = f"{self._folder.root}/{name}"
        path += "-" * (size - len(os.fsencode(path)))
        return Place(path, UNIX_DATAGRAM if datagrams else UNIX)

    def __str__(self) -> str:
        return str(self._folder.root)

    def has_file(self, name: str, data: bytes = b"not yours\n") -> str:
        """A regular file; returns its path."""
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(data)
        return self._knows(path)

    def offers(self, name: str, data: bytes | None = None) -> str:
        """A path that the program may write to; returns it.

        Where its function fails, there is no file if there was none before, and what
        was there still is, whatever it holds.

        Args:
            data: of a file that is there already; None for none.
        """
        path = self.path(name) if data is None else self.has_file(name, data)
        self._folder.offers(path)
        return path

    def has_files(self, files: Mapping[str, bytes]) -> None:
        """Regular files, name -> bytes, and the directories that lead to them."""
        for name, data in files.items():
            for above in reversed(PurePath(name).parents):
                if not os.path.isdir(self.path(str(above))):
                    self.has_directory(str(above))
            self.has_file(name, data)

    def has_links(self, links: Mapping[str, str]) -> None:
        """Symbolic links, name -> where it leads to."""
        for name, to in links.items():
            self.has_link(name, to)

    def has_program(self, name: str, text: str, mode: int = 0o755) -> str:
        """A file that is executed, which begins with the name of its interpreter;
        returns its path.

        Args:
            mode: its permissions: without 0o111 it cannot be executed.
        """
        path = self.has_file(name, text.encode())
        os.chmod(path, mode)
        return self._knows(path)

    def has_gate(self, name: str) -> str:
        """A named pipe, whose reader waits until it `opens_gate`; returns its path."""
        path = self.path(name)
        os.mkfifo(path)
        self._gates[name] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        return self._knows(path)

    def has_pipe(self, name: str) -> str:
        """A named pipe that nobody has open: who opens it to read waits for a writer;
        returns its path."""
        os.mkfifo(self.path(name))
        return self._knows(self.path(name))

    def opens_gate(self, name: str) -> None:
        """Let the reader of that named pipe go on: a line arrives."""
        os.write(self._gates[name], b"open\n")
        self._note(f"opens the gate {name}")

    def opened(self, name: str, data: bytes = b"a line of notes\n") -> OpenFile:
        """A regular file that is open."""
        self._open.append(OpenFile(self.has_file(name, data)))
        return self._open[-1]

    def close(self) -> None:
        """Close the judge's own descriptors of open files."""
        for file in self._open:
            file.forget()
        for gate in self._gates.values():
            os.close(gate)

    def has_directory(self, name: str) -> str:
        """A directory; returns its path."""
        path = self.path(name)
        os.mkdir(path)
        return self._knows(path)

    def has_link(self, name: str, to: str) -> str:
        """A symbolic link to another name there; returns its path."""
        path = self.path(name)
        os.symlink(to, path)
        return self._knows(path)

    def has_stale_socket(self, name: str = "server", *, datagrams: bool = False) -> str:
        """The path of a socket that nobody has open any more; returns it.

        Args:
            datagrams: whether it was a datagram socket.
        """
        path = self.path(name)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM) as gone:
            gone.bind(path)
        self._note(f"has a stale socket at {path}")
        self._folder.is_stale(path)
        return self._knows(path)

    def moves(self, name: str, to: str) -> str:
        """What is there by that name, whosever it is, gets another one; returns its path."""
        os.rename(self.path(name), self.path(to))
        self._folder.knows(self.path(name))
        self._note(f"has {self.path(to)} where {self.path(name)} was")
        return self._knows(self.path(to))

    def is_untouched(self, *, otherwise: str = "") -> None:
        """What the script and its peers have put there is as it was, and nothing else is there.

        Args:
            otherwise: slug of the gap that it gives away if not.

        Raises:
            Broken: something has gone, is another one, or has come.
        """
        what, name = self._folder.change()
        if what:
            how = {"left": "has come", "gone": "is gone", "changed": "is another one"}[what]
            raise Broken(Failure("path-touched", f"{self.path(name)} {how}", gap=otherwise, read="unix(7), unlink(2)"))
        self._note("is as it was")

    def shows_mode(self, name: str, mode: int, *, more: str = "", fewer: str = "") -> None:
        """A name there has these permissions now.

        Args:
            more, fewer: slugs of the gaps that some which it should not have give
                away, and some which it lacks.

        Raises:
            Broken: it has others, or there is none.
        """
        path = self.path(name)
        if not os.path.lexists(path):
            raise Broken(Failure("no-path", f"there is nothing at {path}"))
        if (found := stat.S_IMODE(os.lstat(path).st_mode)) != mode:
            sentence = f"{path} has the mode {found:04o}; expected {mode:04o}"
            gap = fewer if mode & ~found else more
            raise Broken(Failure("mode", sentence, gap=gap, read="unix(7), Pathname socket ownership"))
        self._note(f"shows mode {mode:04o} at {path}")

    def _knows(self, path: str) -> str:
        self._folder.knows(path)
        return path

    def _note(self, text: str) -> None:
        self._scene.steps.append(Step(f"the directory {text}"))
