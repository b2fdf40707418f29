"""A command line, with what the process that it becomes inherits."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command that is about to be run.

    Attributes:
        argv: the program and its arguments.
        fds: descriptors that it inherits, besides the standard ones.
    """

    argv: list[str]
    fds: tuple[int, ...] = ()

    def close(self) -> None:
        """Close the descriptors here: it runs, and has its own."""
        for fd in self.fds:
            os.close(fd)
