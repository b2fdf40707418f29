"""How long nothing has changed, and whether it is so at a second look too."""

from __future__ import annotations

import time

from grader.stage.turns import Strides


class Watch:
    """What one wait has noticed so far.

    Attributes:
        passed: nanoseconds of the held clock that have passed in it, for want of
            anything else that could happen.
        strides: how it passes.
    """

    def __init__(self) -> None:
        self.passed = 0
        self.strides = Strides()
        self._last: dict[str, tuple[object, float]] = {}
        self._held: dict[str, int] = {}

    def idle(self, progress: object, what: str = "") -> float:
        """Seconds since progress, of which there are several kinds, was last
        something else."""
        now = time.monotonic()
        if what not in self._last or self._last[what][0] != progress:
            self._last[what] = progress, now
        return now - self._last[what][1]

    def twice(self, what: str, holds: bool) -> bool:
        """Whether something held at the last look too.

        Between two looks every channel is read, so that an answer which had
        just arrived at the first one is known at the second.
        """
        self._held[what] = self._held.get(what, 0) + 1 if holds else 0
        return self._held[what] > 1

    @property
    def is_sure(self) -> bool:
        """Whether no question waits for a second look."""
        return not any(self._held.values())
