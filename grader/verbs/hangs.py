"""Whether what is waited for can still come: a program may be stopped, blocked
where nothing will ever arrive, deadlocked, or busy with nothing."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from grader.learner.process import LearnerProcess
from grader.learner.trace import layout
from grader.learner.trace.reader import Call
from grader.verbs import death, quiet, standstill
from grader.verbs.broken import Broken
from grader.verbs.watch import Watch
from grader.verdict.evidence import Failure
from grader.verdict.model import Verdict

if TYPE_CHECKING:
    from grader.verbs.scene import Scene

#: A program that neither does nor computes anything for so long hangs (seconds).
IDLE_SECONDS = 2.0
#: The same call so often, without a byte moved, is a loop without end.
CIRCLES = 2000
#: Waits that end by themselves on a held clock, before a program hangs.
_MOST_WAITS = 300
#: How late the kernel wakes whoever has waited (nanoseconds).
LATENESS = 1_000_000
#: How many times longer than a check allows a client waits, before that counts.
_TOLERANCE = 1.2
#: Of so many different calls, at most, such a loop consists.
_CIRCLE = 4
#: Calls after which a program counts as calling without end.
MOST_CALLS = 150_000
#: So many of its last calls are looked at for one that has moved anything.
_LAST_CALLS = 200

_MOVES = {*layout.GROUPS["send"], *layout.GROUPS["recv"]}


class Hangs:
    """Looks for hangs of the program of a scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._notes = self._moved = self._waits_ended = 0

    def begins_anew(self) -> None:
        """A function is called: nothing has been moved by it yet."""
        self._moved = 0

    def look(self, watch: Watch, awaited: str, ready: Callable[[], bool]) -> bool:
        """See whether the program can still bring an event about.

        Args:
            watch: of this wait.
            awaited: the event in words.
            ready: whether it has come.

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
            scene.await_end()  # a process that dies closes its descriptors first
            if not process.has_ended:
                raise Broken(Failure("channel", "the program closed descriptors that are not its own", Verdict.CRASH))
        if process.has_ended:
            return False
        if self._is_busy_for_nothing(process) or _turns_in_circles(process):
            process.end()
            raise Broken(standstill.of_busy_loop(scene))
        if process.trace["forks"] > process.trace["fork_limit"]:
            raise Broken(death.of_fork_bomb(scene))
        blocked = self._blocked(process, watch, awaited)
        if blocked is not None:
            if scene.is_ready_at_rest(ready):
                return True
            if self._time_passes(watch):
                return False
            raise Broken(standstill.of_blocked(scene, blocked, awaited))
        # a call that is held looks around for its release: that is no progress
        is_held = process.trace["held"] > process.trace["released"]
        used = 0 if is_held else process.processor_ticks
        progress = (process.trace["next"], used, len(process.trace.unfinished))
        if watch.idle(progress) > IDLE_SECONDS or self._only_looks_around(watch):
            raise Broken(standstill.of_sleep(scene, awaited))
        return False

    def _blocked(self, process: LearnerProcess, watch: Watch, awaited: str) -> Call | None:
        """The call that the program is blocked in for ever, at a second look.

        Raises:
            Broken: it can go on even less: it has stopped itself, is in a
                deadlock with a peer, or waits for a call that is held.
        """
        scene, states = self._scene, process.task_states()
        if "T" in states.values():
            raise Broken(Failure("hang", "the program stopped itself (SIGSTOP)", Verdict.HANG))
        stuck = quiet.deadlocked(scene, states)
        if watch.twice("deadlocked", stuck is not None):
            raise Broken(standstill.of_deadlock(scene, stuck))
        blocked = quiet.blocked_for_ever(scene, states) if stuck is None else None
        if watch.twice("blocked", blocked is not None):
            return blocked
        held = quiet.held_for_ever(scene)
        if watch.twice("held", held is not None):
            raise Broken(standstill.of_held(scene, held, awaited))
        return None

    def _time_passes(self, watch: Watch) -> bool:
        """On a held clock, end the wait that ends first, where the script leaves
        the time alone: a program may sleep between two looks.  Returns whether
        there is one.

        Raises:
            Broken: a client has waited too long by then.
        """
        scene, trace = self._scene, self._scene.process.trace
        waits = [call for call in trace.unfinished if call.until]
        if not waits or scene.clock_moves or self._waits_ended == _MOST_WAITS:
            return False
        self._waits_ended += 1
        first, before = min(waits, key=lambda call: call.until), trace["clock_now"]
        trace["clock_now"] = max(before, first.until + LATENESS)
        watch.passed += trace["clock_now"] - before
        if 0 < scene.patience * _TOLERANCE < watch.passed and any(peer.is_busy for peer in scene.peers):
            raise Broken(_slowness(scene, first, watch.passed))
        return True

    def _only_looks_around(self, watch: Watch) -> bool:
        """Whether a program that waits with a limit, over and over, waits for
        what nobody is left to do."""
        scene = self._scene
        calls = scene.process.trace.calls[-_LAST_CALLS:]
        last = next((c.index for c in reversed(calls) if not quiet.is_fruitless(c)), -1)
        idle = watch.idle(last, "fruits") > 2 * IDLE_SECONDS
        return idle and quiet.rests(scene) and all(peer.is_asleep for peer in scene.peers)

    def _is_busy_for_nothing(self, process: LearnerProcess) -> bool:
        """Whether a processor-time budget is used up and no byte has moved in it."""
        if self._scene.unit.language == "python":
            # of a crash, which is under way, the interpreter tells in other words
            noted = process.dump().count("Stack (most recent call first)")
        else:
            noted = process.trace["notes"] if process.trace["note"] == signal.SIGPROF else 0
        if noted == self._notes:
            return False
        first = self._scene.runs[-1].first if self._scene.runs else 0
        calls = process.trace.calls
        moved = sum(c.result for c in calls if c.index >= first and c.result > 0 and c.name in _MOVES)
        for_nothing = moved == self._moved
        self._notes, self._moved = noted, moved
        return for_nothing


def _slowness(scene: Scene, call: Call, passed: int) -> Failure:
    """A program that sleeps while a client is owed something."""
    scene.look_up([call])
    where = f" at {scene.source.name}:{call.line}" if call.line else ""
    sentence = (
        f"{call.name}(){where}: the program sleeps for {passed / 1e9:.3g} s while a client waits for an answer; "
        f"{scene.patience / 1e9:g} s is the most"
    )
    return Failure("slow", sentence, line=call.line, read="poll(2)")


def nobody_is_left(watch: Watch, scene: Scene) -> bool:
    """Whether a peer waits for what a program that has ended was to do.

    A connection that was made is in the backlog before connect() returns, so a
    peer that sleeps in accept() after the program has ended will never wake.
    """
    if not scene.process.has_ended:
        return False
    asleep = any(peer.action == "accept" and peer.is_asleep for peer in scene.peers)
    return watch.twice("asleep", asleep) or watch.idle(()) > IDLE_SECONDS


def _turns_in_circles(process: LearnerProcess) -> bool:
    """Whether the program makes the same few calls over and over, and they move
    nothing."""
    calls = process.trace.calls
    if len(calls) > MOST_CALLS:
        return True
    last = calls[-CIRCLES:]
    if len(last) < CIRCLES or any(c.result > 0 and c.name not in layout.GROUPS["wait"] for c in last):
        return False
    return len({(c.name, c.fd, c.where) for c in last}) <= _CIRCLE
