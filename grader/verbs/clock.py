"""The program's clock, held by the script: no check waits for time to pass.

Time is moved as a simulation moves it: from the end of one wait to the end of
the next, and never before the program waits, so that it sees every moment it
has asked for, in order, however fast or slow the machine is.  Only a program that
looks up again and again, in vain, is woken late (`grader.stage.turns.Strides`).
"""

from __future__ import annotations

from collections.abc import Callable

from grader.stage import quiet
from grader.stage.broken import Broken
from grader.stage.hangs import LATENESS
from grader.stage.outcomes import c_accepts, outcome_words, python_accepts
from grader.stage.scene import Scene
from grader.stage.turns import Strides
from grader.trace.reader import Call
from grader.verdict.evidence import Failure
from grader.verdict.transcript import Step

_SECOND = 1_000_000_000
#: Waits that end in the course of one step of the script, before we give up.
_MOST_WAITS = 5000


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
        self._scene.time.limit = round(seconds * _SECOND)
        return seconds

    def limits_waiting(self, seconds: float) -> None:
        """From now on no client waits longer than so long for what it is owed
        because the program sleeps; a program that looks up now and then, as often
        as that, is right."""
        self._scene.time.patience = round(seconds * _SECOND)

    def passes(self, seconds: float) -> None:
        """So much time passes, and the program still waits when it has: with a
        time limit that is longer, or with none.

        A program that returns before it waits is judged by what it has done,
        unless it says that the time is up.

        Raises:
            Broken: it has returned before.
        """
        passed = self._move(seconds, endless=True)
        run = self._scene.runs[-1]
        raised = run.raised or {}
        if run.outcome is not None and passed == 0 and not self._is_late(raised):
            return
        if run.outcome is not None:
            self._note(f"{passed:.3g} s pass")
            words = f"{outcome_words(run, self._scene.unit)} after {passed:.3g} s of {self._words(seconds)}"
            raise Broken(Failure("early", words, line=raised.get("line")))
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
        passed = self._move(seconds, endless=False)
        if self._scene.run is None:
            return
        call = self._waiting()[-1]
        self._scene.look_up([call])
        more = (call.until - self._scene.process.trace["clock_now"]) / _SECOND
        where = self._scene.at(call)
        words = f"{passed:.3g} s later the program is still in {call.name}(){where}, to wait for another {more:.3g} s"
        raise Broken(Failure("late", words, line=call.line))

    def advances(self, seconds: float) -> None:
        """So much time passes while the program is held in a call."""
        trace = self._scene.process.trace
        trace["clock_now"] += round(seconds * _SECOND)
        self._note(f"{seconds:g} s pass")

    def _note(self, text: str, later: int = 0) -> None:
        self._scene.steps.append(Step(text, moment=self._scene.process.trace["clock_now"] + later))

    # --- the simulation ---------------------------------------------------

    def _move(self, seconds: float, *, endless: bool) -> float:
        """Let time pass while the program waits; how much has passed when it
        returned, or all of it.

        Args:
            endless: whether it may wait without a time limit.
        """
        self._scene.time.is_moved, self._scene.time.is_silent = True, endless
        try:
            return self._pass(seconds)
        finally:
            self._scene.time.is_moved = self._scene.time.is_silent = False

    def _pass(self, seconds: float) -> float:
        scene = self._scene
        trace = scene.process.trace
        start = trace["clock_now"]
        target, strides = start + round(seconds * _SECOND), Strides()
        for _ in range(_MOST_WAITS):
            scene.wait(self._is_at_rest(), "the program waits with a time limit", after_return=True)
            if scene.run is None:
                return (trace["clock_now"] - start) / _SECOND
            end = min((call.until for call in self._waiting()), default=target)
            if end + LATENESS > target:
                break
            stride = strides.next(trace.calls, trace["clock_now"])
            trace["clock_now"] = min(target, max(end + LATENESS, stride))
            scene.wait(self._has_noticed, "the program notices that its time limit has passed")
        trace["clock_now"] = max(trace["clock_now"], target)
        scene.wait(self._has_noticed, "the program notices that its time limit has passed", after_return=True)
        return seconds

    def _waiting(self) -> list[Call]:
        return [call for call in self._scene.process.trace.unfinished if call.until]

    def _is_at_rest(self) -> Callable[[], bool]:
        """Whether the program waits on the clock and does nothing else.

        A thread that is in no call of the trace must be asleep at two looks.  In
        a silence it may also wait for something else than the clock.
        """
        looks = 0

        def ready() -> bool:
            nonlocal looks
            if self._scene.run is None:
                return True
            if not self._waiting():
                looks = looks + 1 if self._scene.time.is_silent and quiet.sleeps_on_all_delivered(self._scene) else 0
                return looks > 2
            states = self._scene.process.task_states()
            elsewhere = states.keys() - {call.tid for call in self._scene.process.trace.unfinished}
            if not elsewhere:
                return True
            looks = looks + 1 if all(states[tid] == "S" for tid in elsewhere) else 0
            return looks > 2

        return ready

    def _has_noticed(self) -> bool:
        """Whether every wait that is over has returned, or waits anew."""
        now = self._scene.process.trace["clock_now"]
        return self._scene.run is None or all(call.until > now for call in self._waiting())

    def _words(self, seconds: float) -> str:
        limit = self._scene.time.limit
        return f"the {limit / _SECOND:g} s it was given" if limit else f"{seconds:g} s"
