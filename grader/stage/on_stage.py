"""Who and what is on stage in one check: what is known, and nothing that waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from grader.build.frames import Frames, frames_of
from grader.catalogue.exercises import Exercise
from grader.catalogue.unit import Unit
from grader.learner.process import LearnerProcess
from grader.stage.arranged import Arranged, Time
from grader.stage.company import Company
from grader.stage.snapshots import frames_at, stack_at
from grader.stage.stage import Stage
from grader.stage.world import World
from grader.trace.reader import Call
from grader.verdict.evidence import Run
from grader.verdict.source import Source
from grader.verdict.transcript import Step

_Answer = TypeVar("_Answer")


class OnStage:
    """The program, its peers and their story so far.

    Args:
        stage: forks processes and has the builds.
        unit: what is graded.

    Attributes:
        source: the program's text.
        process: the program's, once it is there.
        company: whom it talks to.
        world: what the kernel says of it.
        arranged: what the script has made ready for it.
        time: its clock.
        steps: what peers and the script have done.
        untold: those of them that a report leaves out, the last first.
        awaited_since: how many steps there were when a peer began to wait.
        runs: the functions that were called.
        message: what a peer was to receive last.
        is_at_rest: whether it is sure that the program rests at this moment.
    """

    def __init__(self, stage: Stage, unit: Unit) -> None:
        self.stage, self.unit = stage, unit
        text = unit.path.read_text(encoding="utf-8", errors="replace") if unit.path.is_file() else ""
        self.source = Source(unit.language, unit.path.name, text)
        self.process: LearnerProcess | None = None
        self.company, self.world = Company(), World()
        self.arranged, self.time = Arranged(), Time()
        self.steps: list[Step] = []
        self.untold: list[Step] = []
        self.awaited_since = 0
        self.runs: list[Run] = []
        self.message: bytes | None = None
        self.is_at_rest = False

    @property
    def exercise(self) -> Exercise:
        return self.unit.exercise

    @property
    def run(self) -> Run | None:
        """The function call that is under way, if one is."""
        return self.runs[-1] if self.runs and self.runs[-1].outcome is None else None

    @property
    def disturbed(self) -> str:
        """The signal that was the last thing to happen, and was not to end the program."""
        name, steps = self.arranged.disturbed
        return name if len(self.steps) <= steps + 1 else ""  # its own step may have been written down

    def expects(self, data: bytes) -> None:
        """A peer is to receive data: what the function under way, or the last
        one, is to send if nothing else was said of it."""
        self.message = data
        run = self.runs[-1] if self.runs else None
        if run is not None and not run.endless and not run.told:
            run.message = (run.message or b"") + data

    # --- where a call stands in the program's text ------------------------

    def look_up(self, calls: list[Call]) -> None:
        """Fill in the lines of calls, and of the functions around them."""
        if self.unit.language == "c":
            self._look_up_c(calls)
            return
        for call in calls:
            call.line = call.where or None
            lines, _values = frames_at(self.process.trace, call)
            call.callers = tuple(lines[1:])

    def _look_up_c(self, calls: list[Call]) -> None:
        stacks = {call.index: stack_at(self.process.trace, call) for call in calls}
        places = {call.where for call in calls if call.where}
        found = self.lines(places.union(*(stack.callers for stack in stacks.values() if stack)))
        for call in calls:
            stack = stacks[call.index]
            call.line = found.get(call.where)
            call.callers = tuple(found[place] for place in stack.callers if place in found) if stack else ()

    def at(self, call: Call) -> str:
        """Where a call is that has been looked up: `` at send_all.c:12``; ``""`` if that is not known."""
        return f" at {self.source.name}:{call.line}" if call.line else ""

    def lines(self, offsets: set[int]) -> dict[int, int]:
        """Lines of the learner's C file for offsets of its module; others are left out."""
        return (self.decoded(lambda frames: frames.lines(offsets)) if offsets else None) or {}

    def decoded(self, ask: Callable[[Frames], _Answer]) -> _Answer | None:
        """What the debug information says; None where it makes no sense: it comes
        from the learner's file, which may have had a hand in it."""
        try:
            return ask(frames_of(self.stage.module(self.unit), self.source.name, self.source.text))
        except Exception:
            return None
