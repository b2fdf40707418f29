"""What a check lends the program: a socket or a file that stays its caller's."""

from __future__ import annotations

import os
import socket
import struct


class Lent:
    """A connected socket that the learner's function is called with.

    Args:
        fd: a descriptor of it; owned, and closed once it has been handed over,
            so that the caller's close is the last one.
        limit: the caller's own time limit on it, in seconds; 0 for none.

    Attributes:
        target: what the kernel knows it by (proc(5), ``socket:[inode]``).
        shown: what a call of the function shows.
    """

    shown = "sock"

    def __init__(self, fd: int, limit: int = 0) -> None:
        self.fd, self.limit = fd, limit
        self.target = target_of(fd)

    @property
    def argument(self) -> dict:
        """What the learner's process is told of it."""
        return {"lent": self.limit}

    def limit_by_options(self, seconds: int) -> None:
        """Set the caller's time limit as the kernel has it (SO_RCVTIMEO, SO_SNDTIMEO),
        in either language."""
        with socket.socket(fileno=os.dup(self.fd)) as own:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                own.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))

    def close(self) -> None:
        if self.fd != -1:
            os.close(self.fd)
            self.fd = -1


class OpenFile(Lent):
    """An open file, of which a function is called with the descriptor.

    The judge keeps one of its `own`, by which it tells this file from another that
    somebody has opened under the same name.
    """

    shown = "fd"

    def __init__(self, path: str) -> None:
        super().__init__(os.open(path, os.O_RDWR | os.O_CLOEXEC))
        self.own = os.dup(self.fd)

    @property
    def argument(self) -> dict:
        return {"lent": None}

    def is_open_as(self, pid: int, number: int) -> bool:
        """Whether a process' descriptor of that number is of this open file: its
        position moves with ours (open(2), open file description)."""
        if target_of(number, pid) != self.target:
            return False
        before = os.lseek(self.own, 0, os.SEEK_CUR)
        try:
            return all(os.lseek(self.own, at, os.SEEK_SET) == _position(pid, number) for at in (before + 1, before))
        finally:
            os.lseek(self.own, before, os.SEEK_SET)

    def forget(self) -> None:
        """Close the judge's own."""
        self.close()
        os.close(self.own)


def target_of(fd: int, pid: int | str = "self") -> str:
    """What a descriptor refers to (proc(5)); ``""`` if it is not open."""
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}")
    except OSError:
        return ""


def _position(pid: int, number: int) -> int:
    with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as lines:
        return int(next(line for line in lines if line.startswith("pos:")).split()[1])
