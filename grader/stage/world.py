"""What the kernel says of the program before its functions are called, and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from grader.processes.state import State


def sockets(inodes: Iterable[int]) -> set[str]:
    """What descriptors of these sockets refer to (proc(5), ``/proc/pid/fd``)."""
    return {f"socket:[{inode}]" for inode in inodes}


@dataclass
class World:
    """The program's descriptors, threads and signals, and whose its sockets are.

    Attributes:
        before: when the first function was called.
        after: when the last one had ended, or what was lent had been closed.
        lent: inodes of the sockets that are the caller's.
        limited: of these, those with a time limit, which a Python socket has for itself.
        given: inodes of the sockets that the program has handed to its caller for good.
        deserted: descriptors for connections whose other end is gone.
    """

    before: State | None = None
    after: State | None = None
    lent: set[int] = field(default_factory=set)
    limited: set[int] = field(default_factory=set)
    given: set[int] = field(default_factory=set)
    deserted: list[int] = field(default_factory=list)

    def lent_numbers(self) -> list[int]:
        """Descriptors of what was lent, by the last that is known of them."""
        state, targets = self.after or self.before, sockets(self.lent)
        return [number for number, target in state.descriptors.items() if target in targets] if state else []
