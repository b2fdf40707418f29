"""How time passes on the held clock while the script moves it.

As in a simulation: from the end of one wait to the end of the next, and never
before the program waits, so that it sees every moment it has asked for, in order,
however fast or slow the machine is.  Only a program that looks up again and
again, in vain, is woken late (`grader.stage.turns.Strides`).
"""

from __future__ import annotations

from collections.abc import Callable

from grader.stage import quiet
from grader.stage.hangs import LATENESS
from grader.stage.scene import Scene
from grader.stage.turns import Strides

#: In nanoseconds, as the clock counts.
SECOND = 1_000_000_000
#: So many times in a row all threads are found asleep.
_LOOKS = 3
#: Waits that end in the course of one step of the script, before we give up.
_MOST_WAITS = 5000


def passes(scene: Scene, seconds: float, *, endless: bool) -> float:
    """Let time pass while the program waits; how much has passed when it
    returned, or all of it.

    Args:
        endless: whether it may wait without a time limit.
    """
    scene.time.is_moved, scene.time.is_silent = True, endless
    try:
        return _passed(scene, seconds)
    finally:
        scene.time.is_moved = scene.time.is_silent = False


def _passed(scene: Scene, seconds: float) -> float:
    trace = scene.process.trace
    start = trace["clock_now"]
    target, strides = start + round(seconds * SECOND), Strides()

    def has_noticed() -> bool:
        """Whether every wait that is over has returned, or waits anew."""
        return scene.run is None or all(call.until > trace.clock_shows for call in trace.limited)

    for _ in range(_MOST_WAITS):
        scene.wait(_at_rest(scene), "the program waits with a time limit", after_return=True)
        if scene.run is None:
            return (trace["clock_now"] - start) / SECOND
        end = min((call.until for call in trace.limited), default=target)
        if end + LATENESS > target:
            break
        stride = strides.next(trace.calls, trace["clock_now"])
        trace["clock_now"] = min(target, max(end + LATENESS, stride))
        scene.wait(has_noticed, "the program notices that its time limit has passed")
    trace["clock_now"] = max(trace["clock_now"], target)
    scene.wait(has_noticed, "the program notices that its time limit has passed", after_return=True)
    scene.wait(_at_rest(scene), "the program waits again", after_return=True)
    return seconds


def _at_rest(scene: Scene) -> Callable[[], bool]:
    """Asked again and again, tells whether the program waits on the clock and does
    nothing else.

    Whoever waits for a datagram that has come is awake: one that lies there while
    all threads sleep is left unread by a program that waits for something else.  A
    thread that is in no call of the trace must be asleep at several looks.  In a
    silence it may also wait for something else than the clock.
    """
    looks = unheard = 0
    trace = scene.process.trace

    def is_unheard() -> bool:
        """Whether a datagram has come that whoever waits for it is about to hear."""
        nonlocal unheard
        if not quiet.is_about_to_receive(scene):
            return False
        unheard = unheard + 1 if quiet.is_asleep(scene) else 0
        return unheard < _LOOKS

    def is_asleep(states: dict[int, str]) -> bool:
        """Whether the calls that are known are still under way, and all threads sleep."""
        # a datagram that is no longer there may just have been taken; and of several
        # threads one may be about to hear of a refusal
        times = _LOOKS if scene.company.has_datagrams and len(states) > 1 else 1
        return all(quiet.is_asleep(scene) and not trace.update() for _ in range(times))

    def ready() -> bool:
        nonlocal looks
        if scene.run is None:
            return True
        if is_unheard():
            return False
        if not trace.limited:
            looks = looks + 1 if scene.time.is_silent and quiet.sleeps_on_all_delivered(scene) else 0
            return looks > 2
        states = scene.process.task_states()
        if not is_asleep(states) or not quiet.all_has_come(scene):
            return False
        elsewhere = states.keys() - {call.tid for call in trace.unfinished}
        looks = looks + 1 if all(states[tid] == "S" for tid in elsewhere) else 0
        return not elsewhere or scene.company.has_datagrams or looks > 2

    return ready
