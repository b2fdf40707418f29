"""What a check can demand of a function that has run another program."""

from __future__ import annotations

from collections.abc import Callable

from grader.stage.broken import Broken
from grader.stage.left_behind import judge_state
from grader.stage.outcomes import unexpected
from grader.stage.scene import Scene
from grader.verdict.evidence import Failure, Run
from grader.verdict.model import Difference
from grader.verdict.transcript import Step
from grader.verdict.words import counted


class FilteringVerbs:
    """The verbs of `Learner` for programs that its function runs."""

    _scene: Scene
    _ended: Callable[[str], Run]

    def returns_status(self, status: int, reply: bytes, *, raw: str = "") -> None:
        """The program that the function has run ended with that exit code, which is not
        0, or by a signal: minus its number; and this was its reply.

        Python raises `CalledProcessError`, C returns the reply and sets ``*status``.

        Args:
            raw: slug of the gap that the number which waitpid() stores gives away.
        """
        run, unit = self._ended(f"{self._scene.runs[-1].function}() returns"), self._scene.unit
        told = _told(run.outcome)
        if (nothing := _has_no_output(run.outcome)) is not None:
            sentence = (
                f"{run.shown} raised CalledProcessError with the output {nothing}; expected {counted(len(reply))}"
            )
            raise Broken(Failure("outcome", sentence))
        if told is None:
            how = f"CalledProcessError with returncode {status}" if unit.language == "python" else f"status {status}"
            raise Broken(unexpected(run, how, unit))
        found, output = told
        if found != status:
            gap = raw if found == (status << 8 if status > 0 else -status) else ""
            sentence = f"{run.shown} told the status {found}; expected {status}"
            raise Broken(Failure("status", sentence, gap=gap, read="waitpid(2), WEXITSTATUS"))
        if output != reply:
            sentence = f"{run.shown} told {counted(len(output))} beside status {status}; expected {len(reply)}"
            raise Broken(Failure("outcome", sentence, difference=Difference(reply, output)))
        self._scene.steps.append(Step(f"returns {counted(len(reply))} and status {status}", "learner"))
        judge_state(self._scene)


def _told(outcome: dict) -> tuple[int, bytes] | None:
    """Status and reply of a program that has failed, if that is what was told."""
    raised, returned = outcome.get("raised"), outcome.get("returned")
    if raised is not None and "CalledProcessError" in raised["bases"] and isinstance(raised["output"], bytes):
        return raised["status"], raised["output"]
    if isinstance(returned, list) and len(returned) == 2:
        return returned[1], returned[0]
    return None


def _has_no_output(outcome: dict) -> str | None:
    """What stands in the place of the reply, if a failure is told without it."""
    raised = outcome.get("raised")
    if raised is None or "CalledProcessError" not in raised["bases"] or isinstance(raised["output"], bytes):
        return None
    return repr(raised["output"])
