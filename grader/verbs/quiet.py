"""Whether a program that waits will wait for ever.

The argument, from kernel and trace: every thread of the program sleeps inside a
traced call that has no time limit; every peer is asleep or idle; and nothing is
on its way between them, because no TCP connection of theirs holds a byte or an
end-of-file that the other side has not got.  Data that has got there has woken
its reader, so a reader that still sleeps has nothing to read.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from grader.learner.trace.reader import Call
from grader.processes.connections import wait_for_each_other

if TYPE_CHECKING:
    from grader.verbs.scene import Scene

_ENDLESS = ("accept", "accept4", "connect", "recv", "recvfrom", "recvmsg", "read", "readv")
_TIMED = ("poll", "select", "epoll_wait")  # args[1] is a limit in ms, -1 for none


def blocked_for_ever(  # noqa: PLR0911 - one return for each way out of the argument
    scene: Scene, states: dict[int, str]
) -> Call | None:
    """The call that the program is blocked in for good, or None.

    Args:
        states: thread id -> scheduler state, taken just now.
    """
    trace = scene.process.trace
    if not states or set(states.values()) != {"S"} or scene.run is None:
        return None
    waiting = {call.tid: call for call in trace.unfinished}
    if not states.keys() <= waiting.keys() or trace["held"] > trace["released"]:
        return None
    calls = [waiting[tid] for tid in states]
    if not all(_is_endless(call, trace["clock_now"]) for call in calls):
        return None
    if not trace["clock_held"] and _has_timeouts(trace.calls):
        return None
    if not all(peer.is_asleep for peer in scene.peers):
        return None
    if any(peer.is_busy and peer.action not in ("accept", "receive", "echo") for peer in scene.peers):
        return None
    before = trace["next"]
    if _on_its_way(scene):
        return None
    # All that was sent had arrived by now.  Whoever it was for is awake, or has
    # gone to sleep again after a record more.
    if trace.update() or trace["next"] != before:
        return None
    if set(scene.process.task_states().values()) != {"S"}:
        return None
    if not all(peer.is_asleep for peer in scene.peers):
        return None
    return min(calls, key=lambda call: call.index)


def deadlocked(scene: Scene, states: dict[int, str]) -> Call | None:
    """The call in which the program waits for room to send, while a peer waits
    for room too, so that neither reads what would make room for the other.

    TCP itself says that nothing is on its way: it probes a window (timer 4 of
    proc(5)) only when all that it has sent has arrived and the other side has
    no room for more.  Room comes when that side reads, and both sides sleep:
    the program not for bytes to read, for they are there, nor the peer.

    Args:
        states: thread id -> scheduler state, taken just now.
    """
    trace = scene.process.trace
    waiting = {call.tid: call for call in trace.unfinished}
    if scene.run is None or not states or not states.keys() <= waiting.keys() or trace["held"] > trace["released"]:
        return None
    calls = [waiting[tid] for tid in states]
    if not all(call.any_of("send") or _is_endless(call, trace["clock_now"]) for call in calls):
        return None
    if _has_timeouts(trace.calls):
        return None
    talking = [peer for peer in scene.peers if peer.action in ("send", "echo")]
    before = trace["next"]

    def all_sleep() -> bool:
        return set(scene.process.task_states().values()) == {"S"} and all(peer.is_asleep for peer in scene.peers)

    if not talking or not all_sleep() or not wait_for_each_other(scene.process.pid, [peer.pid for peer in talking]):
        return None
    if trace.update() or trace["next"] != before or not all_sleep():
        return None
    stuck = [call for call in calls if call.any_of("send") or call.any_of("wait")]
    return min(stuck, key=lambda call: call.index, default=None)


def all_delivered(scene: Scene) -> bool:
    """Whether a peer still waits although the program has returned and nothing
    it sent is on its way."""
    return (
        all(peer.is_asleep for peer in scene.peers)
        and not _on_its_way(scene)
        and all(peer.is_asleep for peer in scene.peers)
    )


def is_asleep(scene: Scene) -> bool:
    """Whether every thread of the program sleeps inside a call of the trace, or
    computes nothing outside of it."""
    unfinished = scene.process.trace.unfinished
    return bool(unfinished) and set(scene.process.task_states().values()) == {"S"}


def sleeps_on_all_delivered(scene: Scene) -> bool:
    """Whether every thread of the program sleeps and has been sent nothing that
    has not arrived: it waits for more."""
    trace, process = scene.process.trace, scene.process
    before = trace["next"]
    if set(process.task_states().values()) != {"S"} or _on_its_way(scene):
        return False
    return set(process.task_states().values()) == {"S"} and trace["next"] == before and scene.run is not None


def _is_endless(call: Call, now: int) -> bool:
    """Whether a call has no time limit, or one that only the script can end."""
    if call.until:
        return call.until > now
    return call.name in _ENDLESS or (call.name in _TIMED and call.args[1] == -1)


def _has_timeouts(calls: list[Call]) -> bool:
    names = (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO)
    return any(c.name == "setsockopt" and c.args[1] in names and c.args[2] for c in calls)


def _on_its_way(scene: Scene) -> bool:
    pids = [scene.process.pid, *(peer.pid for peer in scene.peers)]
    return scene.connections.on_their_way(pids, silent=scene.silent_ports)
