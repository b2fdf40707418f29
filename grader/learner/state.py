"""What the kernel says of a learner's process: the data, not how it is had."""

from __future__ import annotations

from dataclasses import dataclass

#: The kit's own descriptors in a learner's process lie from here on.
KIT_DESCRIPTORS = 1000
#: Exit status of a process that cannot reach the judge any more.
CHANNEL_LOST = 87


@dataclass(frozen=True)
class State:
    """What the kernel says of a process (proc(5)), at one moment.

    Attributes:
        descriptors: number -> what it refers to (``socket:[1234]``), the
            kit's own left out.
        flags: number -> open file status flags.
        threads: how many.
        signals: the lines SigBlk, SigIgn and SigCgt, as bit masks.
    """

    descriptors: dict[int, str]
    flags: dict[int, int]
    threads: int
    signals: dict[str, int]
