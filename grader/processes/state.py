"""What the kernel says of a process: the data, not how it is had."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """What the kernel says of a process (proc(5)), at one moment.

    Attributes:
        descriptors: number -> what it refers to (``socket:[1234]``), those
            of the kit left out.
        flags: number -> open file status flags.
        threads: how many.
        signals: the lines SigBlk, SigIgn and SigCgt, as bit masks.
    """

    descriptors: dict[int, str]
    flags: dict[int, int]
    threads: int
    signals: dict[str, int]
