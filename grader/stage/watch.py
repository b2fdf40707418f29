"""How long nothing has changed, and whether it is so at a second look too."""

from __future__ import annotations

import time

from grader.stage.turns import Strides

#: How soon the next look comes (seconds), where nothing calls for one before.
GLANCE = 0.02
#: A look counts for so much at the most (seconds): a judge that was kept from
#: looking, as the whole machine may have been, knows nothing of the time between.
_MOST = 0.1


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
        self._last: dict[str, tuple[object, float, float]] = {}  # progress, last look, seconds idle
        self._held: dict[str, int] = {}

    def idle(self, progress: object, what: str = "", *, is_awake: bool = False) -> float:
        """Seconds for which this, of which there are several kinds, has been seen
        not to change.

        Args:
            is_awake: whether somebody is about to do something, and has not got a
                processor or a disk for it: then this look does not count.
        """
        now = time.monotonic()
        known, looked, idle = self._last.get(what, (None, now, 0.0))
        idle = 0.0 if what not in self._last or known != progress else idle + (not is_awake) * min(now - looked, _MOST)
        self._last[what] = progress, now, idle
        return idle

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
