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
#: So many looks are enough to notice a datagram: one that lies there longer is left
#: unread by a program that waits for something else.
_GLANCES = 40
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
        return scene.run is None or all(call.until > trace["clock_now"] for call in trace.limited)

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

    A thread that is in no call of the trace must be asleep at several looks.  In
    a silence it may also wait for something else than the clock.
    """
    looks = glances = 0
    trace = scene.process.trace

    def ready() -> bool:
        nonlocal looks, glances
        if scene.run is None:
            return True
        glances += 1
        if glances < _GLANCES and quiet.is_about_to_receive(scene):
            return False
        if not trace.limited:
            looks = looks + 1 if scene.time.is_silent and quiet.sleeps_on_all_delivered(scene) else 0
            return looks > 2
        states = scene.process.task_states()
        if scene.company.has_datagrams and len(states) > 1:  # one of them may be about to hear of a refusal
            return all(quiet.is_asleep(scene) and not trace.update() for _ in range(_LOOKS))
        elsewhere = states.keys() - {call.tid for call in trace.unfinished}
        if not elsewhere:
            return True
        looks = looks + 1 if all(states[tid] == "S" for tid in elsewhere) else 0
        return looks > 2

    return ready
