"""The program's clock, held by the script: no check waits for time to pass."""

from __future__ import annotations

from grader.stage import passing
from grader.stage.broken import Broken
from grader.stage.outcomes import c_accepts, outcome_words, python_accepts
from grader.stage.passing import SECOND
from grader.stage.scene import Scene
from grader.verdict.evidence import Failure
from grader.verdict.transcript import Step

#: How far from the right moment nobody minds (seconds).
NEARLY = 0.15


class Clock:
    """The time that the program sees.

    It moves when the script says so; and where nothing else can happen, to the
    end of a wait of the program's.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        scene.time.is_held = True

    def limit(self, seconds: float) -> float:
        """A time limit to hand to the program, in seconds."""
        self._scene.time.limit = round(seconds * SECOND)
        self._scene.time.is_none_left = seconds == 0
        return seconds

    def limits_waiting(self, seconds: float) -> None:
        """From now on no client waits longer than so long for what it is owed
        because the program sleeps; a program that looks up now and then, as often
        as that, is right."""
        self._scene.time.patience = round(seconds * SECOND)

    def passes(self, seconds: float) -> None:
        """So much time passes, and the program still waits when it has: with a
        time limit that is longer, or with none.

        A program that returns before it waits is judged by what it has done,
        unless it says that the time is up.

        Raises:
            Broken: it has returned before.
        """
        passed = passing.passes(self._scene, seconds, endless=True)
        run = self._scene.runs[-1]
        raised = run.raised or {}
        if run.outcome is not None and passed == 0 and not self._is_late(raised):
            return
        if run.outcome is not None:
            self._note(f"{passed:.3g} s pass")
            words = f"{outcome_words(run, self._scene.unit)} after {passed:.3g} s of {self._words(seconds, passed)}"
            raise Broken(Failure("early", words, line=raised.get("line")))
        self._note(f"{seconds:g} s pass")

    def goes_on(self, seconds: float) -> None:
        """So much time passes, and the program may do what is due by then, or return."""
        passing.passes(self._scene, seconds, endless=True)
        self._note(f"{seconds:g} s pass")

    def _is_late(self, raised: dict) -> bool:
        """Whether the program says that the time is up."""
        accepts = python_accepts if self._scene.unit.language == "python" else c_accepts
        return bool(raised) and accepts("ETIMEDOUT", raised)

    def runs_out(self, seconds: float) -> None:
        """Time passes until the program returns, which is at most so long.

        Raises:
            Broken: it still waits then.
        """
        self._note("the time runs out", later=1)
        passed = passing.passes(self._scene, seconds, endless=False)
        if self._scene.run is None:
            return
        call = self._scene.process.trace.limited[-1]
        self._scene.look_up([call])
        more = (call.until - self._scene.process.trace["clock_now"]) / SECOND
        where = self._scene.at(call)
        words = f"{passed:.3g} s later the program is still in {call.name}(){where}, to wait for another {more:.3g} s"
        raise Broken(Failure("late", words, line=call.line))

    def is_up_after(self, seconds: float) -> None:
        """So much time passes, and the program returns at the end of it, neither
        earlier nor later, within `NEARLY`.

        Raises:
            Broken: it returns earlier, or still waits.
        """
        self.passes(seconds - NEARLY)
        self.runs_out(2 * NEARLY)

    def advances(self, seconds: float) -> None:
        """So much time passes while the program is held in a call."""
        trace = self._scene.process.trace
        trace["clock_now"] += round(seconds * SECOND)
        self._note(f"{seconds:g} s pass")

    def _note(self, text: str, later: int = 0) -> None:
        self._scene.steps.append(Step(text, moment=self._scene.process.trace["clock_now"] + later))

    def _words(self, seconds: float, passed: float) -> str:
        limit = self._scene.time.limit / SECOND
        return f"the {limit:g} s it was given" if limit > passed else f"{seconds:g} s"
