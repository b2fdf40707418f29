"""What the program was about at a call, and where a result was decided."""

from __future__ import annotations

import re
import time
from typing import TypeVar

from grader.build.frames import Stack
from grader.stage.on_stage import OnStage
from grader.stage.snapshots import frames_at, stack_at
from grader.trace.reader import Call
from grader.verdict.evidence import Run
from grader.verdict.model import Moment

_Answer = TypeVar("_Answer")

#: Values from here on are addresses, or the names of threads; -1 as C's unsigned
#: types have it is above them.
_ADDRESSES = range(1 << 40, (1 << 64) - (1 << 20))
#: The least port that a script chooses, and the least process id that is told
#: from a small number.
_PORTS, _PROCESSES = 10000, 300
_WITH_ADDRESS = ("connect", "accept", "accept4", "bind", "getsockname", "getpeername")
#: A program that reads a clock.
_CLOCK = re.compile(r"\b(?:clock_gettime|gettimeofday|monotonic|perf_counter|time)(?:_ns)?\s*\(")
#: How long before its check a clock's value may have been read (seconds).
_LATELY = 3600
#: Smaller numbers are none of a clock's.
_LEAST_TIME = 600
#: Smaller numbers are no rest of a time limit.
_LEAST_REST = 10
#: A number with a fraction that is no longer was not measured.
_SHORT = 5


class Moments:
    """Reads values from Python's snapshots and C's frames.

    Args:
        scene: the check in progress.
    """

    def __init__(self, scene: OnStage) -> None:
        self._scene = scene

    def of_call(self, call: Call) -> Moment:
        """The program at a call that has been looked up."""
        values = self._c_values(call) if self._speaks_c else frames_at(self._scene.process.trace, call)[1]
        return Moment(call.line, call.callers, self._steady(values))

    def of_run(self, run: Run) -> Moment | None:
        """Where a function's result was decided."""
        if self._speaks_c:
            return self._of_c_run(run)
        outcome = run.outcome or {}
        kept = (outcome.get("raised") or outcome).get("decided")
        try:
            lines, values = kept
            line, *callers = (int(line) for line in lines)
            return Moment(line, tuple(callers), self._steady([(str(name), str(value)) for name, value in values]))
        except (TypeError, ValueError):
            return None  # nothing was kept, or the program has written it itself

    # --- C ----------------------------------------------------------------

    @property
    def _speaks_c(self) -> bool:
        return self._scene.unit.language == "c"

    def _c_values(self, call: Call) -> list[tuple[str, str]]:
        stack = stack_at(self._scene.process.trace, call)
        if stack is None or not call.line:
            return []
        return self._scene.decoded(lambda frames: frames.values(call.where, call.line, stack)) or []

    def _of_c_run(self, run: Run) -> Moment | None:
        decided = self._scene.decoded(lambda frames: frames.decided(run.function, run.blocks)) if run.outcome else None
        if decided is None:
            return None
        place, line = decided
        stack = Stack.unpacked(run.frame)
        values = self._scene.decoded(lambda frames: frames.values(place, line, stack)) if stack else None
        return Moment(line, (), self._steady(values or []))

    # --- values that are the same in every run ----------------------------

    def _steady(self, values: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """The values that are the same in every run."""
        told = ((name, self._told(value)) for name, value in values)
        return tuple((name, value) for name, value in told if value)

    def _told(self, value: str) -> str:
        """A value, a word for it, or ``""`` if it is another one in every run."""
        if self._scene.arranged.has_choices and re.match(r"""b['"]|bytearray\(""", value):
            return ""
        if not re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", value):
            return "" if any(int(number) in self._chosen for number in re.findall(r"\d{5,}", value)) else value
        if "." in value or "e" in value:
            is_steady = self._scene.time.is_held and not _is_a_time(float(value))
            return value if is_steady or len(value) < _SHORT else ""
        number = int(value)
        if number in self._children:
            return self._children[number]
        if number in self._chosen or number in _ADDRESSES or self._is_of_a_clock(number):
            return ""
        return value

    def _is_of_a_clock(self, number: int) -> bool:
        """Whether a number may have been read from a clock, or, where the clock
        goes on, may be what is left of a time."""
        if not _CLOCK.search(self._scene.source.text):
            return False
        return _is_a_time(number) or (not self._scene.time.is_held and abs(number) >= _LEAST_REST)

    @property
    def _children(self) -> dict[int, str]:
        """Process id -> what a transcript calls the process."""
        forks = [call for call in self._scene.process.trace.calls if call.name == "fork" and call.done]
        return {call.result: f"child {n}" for n, call in enumerate(forks, 1) if call.result > _PROCESSES}

    @property
    def _chosen(self) -> set[int]:
        """Numbers that the kernel has chosen: ports and process ids."""
        calls = self._scene.process.trace.calls
        asked = (call.payload.partition(b"\0")[2] for call in calls if call.name == "getaddrinfo")
        ports = {self._scene.arranged.port, *(int(text) for text in asked if text.isdigit() and len(text) < 6)}
        ports |= {call.address[1] for call in calls if call.name in _WITH_ADDRESS and call.address}
        return {self._scene.process.own_pid, *self._children, *(port for port in ports if port >= _PORTS)}


def _is_a_time(number: float) -> bool:
    """Whether a number may have been read from a clock, in any usual unit."""
    return any(
        number > _LEAST_TIME and abs(clock() - number / unit) < _LATELY
        for clock in (time.monotonic, time.time)
        for unit in (1, 1e3, 1e6, 1e9)
    )
