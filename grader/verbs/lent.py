"""What a check lends the program: a socket that stays its caller's."""

from __future__ import annotations

import os


class Lent:
    """A connected socket that the learner's function is called with.

    Args:
        fd: a descriptor of it; owned, and closed once it has been handed over,
            so that the caller's close is the last one.
        limit: the caller's own time limit on it, in seconds; 0 for none.

    Attributes:
        inode: what the kernel knows it by (proc(5), ``socket:[inode]``).
    """

    def __init__(self, fd: int, limit: int = 0) -> None:
        self.fd, self.limit = fd, limit
        self.inode = os.fstat(fd).st_ino

    def close(self) -> None:
        if self.fd != -1:
            os.close(self.fd)
            self.fd = -1
