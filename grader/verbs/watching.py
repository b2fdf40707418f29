"""What a check can demand of a function that says what sockets a process has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from grader.stage.broken import Broken
from grader.stage.left_behind import judge_state
from grader.stage.listed import compared
from grader.stage.outcomes import unexpected
from grader.stage.scene import Scene
from grader.verbs.subject import Subject
from grader.verdict.evidence import Failure, Run
from grader.verdict.transcript import Step
from grader.verdict.words import counted

#: Exceptions that tell of something else than that there is no such process.
_OTHERS = ("OSError", "FileNotFoundError", "PermissionError", "ValueError", "IndexError", "TypeError")


class WatchingVerbs:
    """The verbs of `Learner` for what it finds out about a process."""

    _scene: Scene
    _ended: Callable[[str], Run]
    raises: Callable[..., None]

    def lists(self, process: Subject, *, instead: str = "") -> None:
        """The function returns the lines of that process' sockets, and leaves everything
        as it found it.

        Args:
            instead: slug of the gap that an error gives away, or lines that look like
                no other gap's.
        """
        run, unit = self._ended(f"{self._scene.runs[-1].function}() returns"), self._scene.unit
        expected = counted(len(process.lines), "line")
        if not isinstance(run.outcome.get("returned"), list):
            raise Broken(replace(unexpected(run, expected, unit), gap=instead))
        answer = run.outcome["returned"]
        if answer != process.lines:
            sentence, gap = compared(answer, process.lines, process.foreign, process.doubles)
            raise Broken(Failure("outcome", f"{run.shown} returned {sentence}", gap=gap or instead))
        self._scene.steps.append(Step(f"returns {expected}", "learner"))
        judge_state(self._scene)

    def lists_nothing(self, *, instead: str) -> None:
        """The function returns no lines.

        Args:
            instead: slug of the gap that anything else gives away.
        """
        run = self._ended(f"{self._scene.runs[-1].function}() returns")
        if run.outcome.get("returned") != []:
            raise Broken(replace(unexpected(run, "no lines", self._scene.unit), gap=instead))
        self._scene.steps.append(Step("returns no lines", "learner"))
        judge_state(self._scene)

    def finds_nothing(self, *, instead: str, at_a_descriptor: str) -> None:
        """The function returns no lines, or fails because there is no such process.

        Args:
            instead: slug of the gap that anything else gives away.
            at_a_descriptor: the same, where the last call that has failed was to say
                what a descriptor is.
        """
        run = self._ended(f"{self._scene.runs[-1].function}() returns")
        if run.outcome.get("returned") == []:
            self.lists_nothing(instead=instead)
            return
        failed = next((call for call in reversed(self._scene.process.trace.calls) if call.failed), None)
        gap = at_a_descriptor if failed is not None and failed.name == "readlink" else instead
        self.raises("ESRCH", instead=gap, mistakes=dict.fromkeys(_OTHERS, gap))
