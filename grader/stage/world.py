"""What the kernel says of the program before its functions are called, and after."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from grader.processes.state import State


@dataclass
class World:
    """The program's descriptors, threads and signals, and whose its sockets are.

    Attributes:
        before: when the first function was called.
        after: when the last one had ended, or what was lent had been closed.
        lent: what descriptors refer to that are the caller's (proc(5): ``socket:[1234]``).
        limited: of these, those with a time limit, which a Python socket has for itself.
        given: what the program has handed to its caller for good, and how often.
        deserted: descriptors for connections whose other end is gone.
    """

    before: State | None = None
    after: State | None = None
    lent: set[str] = field(default_factory=set)
    limited: set[str] = field(default_factory=set)
    given: Counter[str] = field(default_factory=Counter)
    deserted: list[int] = field(default_factory=list)

    def lent_numbers(self) -> list[int]:
        """Descriptors of what was lent, by the last that is known of them."""
        state = self.after or self.before
        return [number for number, target in state.descriptors.items() if target in self.lent] if state else []
