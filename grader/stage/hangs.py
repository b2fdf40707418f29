"""Whether what is waited for can still come: a program may be stopped, blocked
where nothing will ever arrive, deadlocked, or busy with nothing."""

from __future__ import annotations

import signal
from collections.abc import Callable

from grader.learner.process import LearnerProcess
from grader.peers.process import COMES_FROM_THE_LIVING
from grader.stage import death, quiet, standstill
from grader.stage.broken import Broken
from grader.stage.on_stage import OnStage
from grader.stage.turns import LastFruit, has_waited, is_fruitful, spins
from grader.stage.watch import Watch
from grader.trace.reader import Call
from grader.verdict.evidence import Failure
from grader.verdict.model import Verdict

#: A program that neither does nor computes anything for so long hangs (seconds).
IDLE_SECONDS = 2.0
#: How late the kernel wakes whoever has waited (nanoseconds).
LATENESS = 1_000_000
#: How many times longer than a check allows a client waits, before that counts.
_TOLERANCE = 1.2
#: Calls after which a program counts as calling without end.
MOST_CALLS = 150_000

#: After so many new calls it is looked at whether they come to anything.
_MANY = 200

#: Scheduler states of a thread that is about to go on, when there is a processor or a disk for it.
_AWAKE = {"R", "D"}


class Hangs:
    """Looks for hangs of the program of a scene."""

    def __init__(self, scene: OnStage) -> None:
        self._scene = scene
        self._notes = self._moved = self._noted_at = self._seen = 0
        self._fruits = LastFruit()

    def begins_anew(self) -> None:
        """A function is called: nothing has been moved by it yet."""
        self._moved = 0

    def look(self, watch: Watch, awaited: str, ready_at_rest: Callable[[], bool]) -> bool:
        """See whether the program can still bring an event about.

        Args:
            watch: of this wait.
            awaited: the event in words.
            ready_at_rest: whether it has come, where it is sure that the program rests.

        Returns:
            Whether it has come after all: of a program that is blocked for ever
            it is sure that it rests, which a moment ago it was not.

        Raises:
            Broken: it cannot.
        """
        scene, process = self._scene, self._scene.process
        if process is None:
            if watch.idle(()) > IDLE_SECONDS:
                raise RuntimeError(f"a peer does not come to an end while {awaited}")
            return False
        if process.channel.closed and not process.has_ended:
            process.await_end(IDLE_SECONDS)  # a process that dies closes its descriptors first
            if not process.has_ended:
                raise Broken(Failure("channel", "the program closed descriptors that are not its own", Verdict.CRASH))
        if process.has_ended:
            return False
        if self._is_busy_for_nothing(process) or self._calls_without_end(process.trace.calls):
            process.end()
            raise Broken(standstill.of_busy_loop(scene))
        if process.trace["forks"] > process.trace["fork_limit"]:
            raise Broken(death.of_fork_bomb(scene))
        still = self._stands_still(process, watch, awaited)
        if still is not None:
            if ready_at_rest():
                return True
            if not self._may_time_pass(watch):
                raise Broken(standstill.of_blocked(scene, still, awaited))
            self._let_time_pass(watch)
            return False
        # a call that is held looks around for its release: that is no progress
        is_held = process.trace["held"] > process.trace["released"]
        used = 0 if is_held else process.processor_ticks
        progress = (process.trace["next"], used, len(process.trace.unfinished))
        states = {*process.task_states().values(), *(peer.state for peer in scene.company.peers)}
        is_awake = bool(_AWAKE & states)
        if watch.idle(progress, is_awake=is_awake) > IDLE_SECONDS or self._only_looks_around(watch, is_awake):
            raise Broken(standstill.of_sleep(scene, awaited))
        return False

    def _stands_still(self, process: LearnerProcess, watch: Watch, awaited: str) -> Call | None:
        """The call that the program is blocked in until time passes, or for ever, at
        a second look.

        Raises:
            Broken: it can go on even less: it has stopped itself, is in a
                deadlock with a peer, or waits for a call that is held.
        """
        scene, states = self._scene, process.task_states()
        if "T" in states.values():
            raise Broken(Failure("hang", "the program stopped itself (SIGSTOP)", Verdict.HANG))
        still = quiet.stands_still(scene, states)
        may_pass = bool(still) and self._may_time_pass(watch)
        stuck = None if may_pass else quiet.deadlocked(scene, states)
        if watch.twice("deadlocked", stuck is not None):
            raise Broken(standstill.of_deadlock(scene, stuck))
        for_ever = bool(still) and stuck is None and quiet.is_for_ever(scene, still)
        if watch.twice("still", may_pass or for_ever):
            return min(still, key=lambda call: (call.pid != process.own_pid, call.index))
        held = quiet.held_for_ever(scene)
        if watch.twice("held", held is not None):
            raise Broken(standstill.of_held(scene, held, awaited))
        return None

    def _may_time_pass(self, watch: Watch) -> bool:
        """Whether a wait will end on the held clock, where the script leaves the time
        alone, and something may still come of it."""
        scene = self._scene
        trace = scene.process.trace
        if not trace["clock_held"] or scene.time.is_moved or not trace.limited:
            return False
        return not watch.strides.are_in_vain(trace.calls, trace["clock_now"])

    def _let_time_pass(self, watch: Watch) -> None:
        """End the wait that ends first: a program may sleep between two looks.

        Raises:
            Broken: a client has waited too long by then.
        """
        scene, trace = self._scene, self._scene.process.trace
        first, before = min(trace.limited, key=lambda call: call.until), trace["clock_now"]
        end = max(first.until + LATENESS, watch.strides.next(trace.calls, before))
        watch.passed += end - before
        if 0 < scene.time.patience * _TOLERANCE < watch.passed and scene.company.is_busy:
            raise Broken(_slowness(scene, first, watch.passed))
        trace["clock_now"] = end

    def _calls_without_end(self, calls: list[Call]) -> bool:
        """Whether the program makes the same few calls over and over."""
        if len(calls) < self._seen + _MANY:
            return False
        self._seen = len(calls)
        return len(calls) > MOST_CALLS or spins(calls)

    def _only_looks_around(self, watch: Watch, is_awake: bool) -> bool:
        """Whether a program that waits with a limit, over and over, waits for
        what nobody is left to do."""
        scene = self._scene
        trace = scene.process.trace
        news = self._fruits.of(trace.calls), trace["clock_now"]  # while that moves, time ends its waits one by one
        idle = watch.idle(news, "fruits", is_awake=is_awake) > 2 * IDLE_SECONDS
        return idle and quiet.rests(scene) and scene.company.is_asleep

    def _is_busy_for_nothing(self, process: LearnerProcess) -> bool:
        """Whether a processor-time budget is used up and nothing has come of it: no
        byte has moved, no client has been taken, no process or thread made."""
        if self._scene.unit.language == "python":
            # of a crash, which is under way, the interpreter tells in other words
            noted = process.dump().count("Stack (most recent call first)")
        else:
            noted = process.trace["notes"] if process.trace["note"] == signal.SIGPROF else 0
        if noted == self._notes:
            return False
        first = self._scene.runs[-1].first if self._scene.runs else 0
        calls = process.trace.calls
        moved = sum(is_fruitful(c) for c in calls if c.index >= first)
        waited = any(c.until or has_waited(c) for c in calls if c.index >= self._noted_at)
        for_nothing = moved == self._moved and not waited
        self._notes, self._moved, self._noted_at = noted, moved, process.trace["next"]
        return for_nothing


def _slowness(scene: OnStage, call: Call, passed: int) -> Failure:
    """A program that sleeps while a client is owed something."""
    scene.look_up([call])
    sentence = (
        f"{call.name}(){scene.at(call)}: the program sleeps for {passed / 1e9:.3g} s while a client waits for an "
        f"answer; it may for {scene.time.patience / 1e9:g} s"
    )
    return Failure("slow", sentence, line=call.line, read="poll(2)")


def nobody_is_left(watch: Watch, scene: OnStage) -> bool:
    """Whether a peer waits for what a program that has ended was to do.

    A connection that was made is in the backlog before connect() returns, and a
    datagram in its queue before sendto() does, so a peer that sleeps after the
    program has ended will never wake.
    """
    if not scene.process.has_ended:
        return False
    asleep = any(peer.action in COMES_FROM_THE_LIVING and peer.is_asleep for peer in scene.company.peers)
    return watch.twice("asleep", asleep) or watch.idle(()) > IDLE_SECONDS
