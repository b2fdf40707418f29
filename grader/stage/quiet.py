"""Whether a program that waits will wait for ever.

The argument, from kernel and trace: every thread of the program sleeps inside a
traced call that has no time limit; every peer is asleep or idle; and nothing is
on its way between them, because no TCP connection of theirs holds a byte or an
end-of-file that the other side has not got.  Data that has got there has woken
its reader, so a reader that still sleeps has nothing to read.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import time
from collections import Counter
from collections.abc import Iterable

from grader.peers.process import COMES, PeerProcess
from grader.processes import futex, proc, unix_table
from grader.processes.connections import wait_for_each_other
from grader.processes.datagram_table import bound
from grader.processes.packet_table import with_unread
from grader.processes.sockets import sockets_of
from grader.stage.on_stage import OnStage
from grader.stage.turns import TIMED, has_waited, in_vain, last_fruit
from grader.trace import layout
from grader.trace.reader import Call, Trace

_ENDLESS = (
    "accept", "accept4", "connect", "recv", "recvfrom", "recvmsg", "read", "readv", "pause", "pthread_join",
    "open", "fopen",
)  # fmt: skip
#: A limit that is as good as none for a program that rests (ms): of a wait for
#: time alone, and of one that descriptors would end as well.
_LONG, _LONG_FOR_EVENTS = 1000, 100
#: How often a thread that looks around is looked at, before it counts as awake.
_LOOKS = 20
#: After so many turns of a loop that waits with a shorter one, a program rests.
_ROUNDS = 3
#: How long a timer that is due may take to be noticed (nanoseconds).
_LATE = 1_000_000_000
#: Number of read(2), in which threads wait, too, where the trace does not see it.
_READ = {"x86_64": 0, "aarch64": 63}.get(os.uname().machine, -1)
#: Of calls that another program waits in for bytes, for room or for a child: read, write,
#: readv, writev, sendfile, splice, sendto, recvfrom, sendmsg, recvmsg, wait4.
_MOVES = {
    "x86_64": (0, 1, 19, 20, 40, 275, 44, 45, 46, 47, 61),
    "aarch64": (63, 64, 65, 66, 71, 76, 206, 207, 211, 212, 260),
}.get(os.uname().machine, ())


def stands_still(  # noqa: PLR0911 - one return for each way out of the argument
    scene: OnStage, states: dict[int, str]
) -> list[Call]:
    """The calls that the program's threads are in, if nothing on stage moves and
    none of them will end but by time, which the script holds; else none.

    Args:
        states: thread id -> scheduler state, taken just now.
    """
    trace = scene.process.trace
    if not states or scene.run is None or not _all_sleep(scene, states):
        return []
    waiting = {call.tid: call for call in trace.unfinished if call.name != "execve"}
    calls = [waiting[tid] for tid in states if tid in waiting]
    if not calls or trace["held"] > trace["released"]:
        return []
    if any(call.injected & layout.HOLD for call in calls):
        return []  # it was let go a moment ago, and has not noticed it yet
    elsewhere = (scene.process.system_call_of(tid) for tid in states if tid not in waiting)
    if not all(futex.is_endless(call) or call[0] in _MOVES for call in elsewhere):
        return []
    if not all(_is_endless(call, trace["clock_now"]) or _waits_for_room(scene, call) for call in calls):
        return []
    if _may_end_by_itself(trace):
        return []
    before = trace["next"]
    if not scene.company.is_asleep or _on_its_way(scene):
        return []
    if not _all_sleep(scene) or not scene.company.is_asleep:
        return []
    # All that was sent had arrived by now.  Whoever it was for is awake, or has
    # gone to sleep again after a record more, or with one that is done.
    if trace.update() or trace["next"] != before:
        return []
    return calls


def is_for_ever(scene: OnStage, calls: list[Call]) -> bool:
    """Whether a program that stands still in these calls does so for good."""
    if scene.time.is_silent or (scene.time.is_moved and any(call.until for call in calls)):
        return False  # the script knows, and is about to end that wait
    # a datagram waits for room in the queue of whoever sleeps here
    return all(peer.action in (*COMES, "send_to") for peer in scene.company.peers if peer.is_busy)


def deadlocked(scene: OnStage, states: dict[int, str]) -> Call | None:
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
    talking = [peer for peer in scene.company.peers if peer.action in ("send", "echo")]
    before = trace["next"]

    def all_sleep() -> bool:
        return _all_sleep(scene) and scene.company.is_asleep

    if not talking or not all_sleep() or not _wait_for_each_other(scene, talking):
        return None
    if not all_sleep() or trace.update() or trace["next"] != before:
        return None
    stuck = [call for call in calls if call.any_of("send") or call.any_of("wait")]
    return min(stuck, key=lambda call: call.index, default=None)


def rests(scene: OnStage) -> bool:
    """Whether the program has nothing to do at this moment: each of its threads
    sleeps, in a call or on a lock, and nothing is on its way to it; or a call is
    held, or its first process stopped, and it is the script that has to go on."""
    trace, process = scene.process.trace, scene.process
    if scene.is_at_rest or trace["held"] > trace["released"]:
        return True
    if process.is_stopped:
        return children_rest(scene) and not _on_its_way(scene)
    before, states = trace["next"], process.task_states()
    waiting = {call.tid for call in trace.unfinished}
    if not _all_sleep(scene, states):
        return False
    if not _all_wait(scene, states, waiting | _idlers(scene)):
        return False
    if _on_its_way(scene):
        return False
    return _all_sleep(scene) and _is_no_news(scene, before)


def rests_but_for_the_held(scene: OnStage) -> bool:
    """The same for all threads but those that a `hold` keeps."""
    trace, process = scene.process.trace, scene.process
    before, held = trace["next"], {call.tid for call in trace.unfinished if call.injected & layout.HOLD}

    def others() -> dict[int, str]:
        return {tid: letter for tid, letter in process.task_states().items() if tid not in held}

    waiting, states = {call.tid for call in trace.unfinished}, others()
    if not set(states.values()) <= {"S"}:
        return False
    if not _all_wait(scene, states, waiting | _idlers(scene)):
        return False
    return not _on_its_way(scene) and others() == states and _is_no_news(scene, before)


def is_about_to_receive(scene: OnStage) -> bool:
    """Whether a datagram has come to the program, which waits for one or may do so,
    and has not noticed it yet."""
    if not scene.company.has_datagrams:
        return False
    if not any(call.any_of("recv") or call.any_of("wait") for call in scene.process.trace.unfinished):
        return False
    return _has_unread_datagrams(scene)


def _has_unread_datagrams(scene: OnStage) -> bool:
    own = {inode for pid in scene.process.family() for inode in sockets_of(pid).values()}
    network = scene.company.network
    if any(end.has_unread and end.inode in own for end in bound(network)):
        return True
    return scene.company.has_packets and bool(own & with_unread(network))


def children_rest(scene: OnStage) -> bool:
    """Whether no process that the program has forked is about to do anything:
    each has ended, or sleeps in a call."""
    trace, process = scene.process.trace, scene.process
    if not trace["forks"]:
        return True
    before, waiting = trace["next"], {call.tid for call in trace.unfinished}
    for pid, letter in process.family().items():
        if pid == process.pid or letter == "Z":
            continue
        try:
            states = {process.own_id(tid): proc.state(f"{pid}/task/{tid}") for tid in proc.threads(pid)}
        except OSError:
            return False  # it is ending
        if not _are_asleep(scene, states) or not _all_wait(scene, states, waiting | _idlers(scene)):
            return False
    return _is_no_news(scene, before)


def held_for_ever(scene: OnStage) -> Call | None:
    """The call that is held while all others wait for what it keeps them from,
    if the script does so too."""
    trace = scene.process.trace
    if trace["held"] <= trace["released"] or scene.run is None or _may_end_by_itself(trace):
        return None
    held = [call for call in trace.unfinished if call.injected & layout.HOLD]
    others = scene.process.task_states().keys() - {call.tid for call in held}
    waiting = [call for call in trace.unfinished if call.tid in others]
    if not held or not all(_is_endless(call, trace["clock_now"]) for call in waiting):
        return None
    if not scene.company.is_asleep:
        return None
    return held[0] if rests_but_for_the_held(scene) and scene.company.is_asleep else None


class Rest:
    """Asked again and again, tells when the program has come to rest.

    A program that waits without a limit rests as soon as it sleeps; one that
    waits with short limits, when each thread that does has gone round its loop
    and nothing has come of it.
    """

    def __init__(self, scene: OnStage) -> None:
        self._scene = scene
        self._seen = self._fruit = -1  # the next record, and the last fruit, when first seen asleep

    def __call__(self) -> bool:
        trace = self._scene.process.trace
        if not rests(self._scene):
            return False
        if self._scene.process.is_stopped:
            return True
        waiting = {c.tid for c in trace.unfinished}
        looking = {c.tid for c in trace.unfinished if _is_short(c)} | (_idlers(self._scene) - waiting)
        looking &= self._scene.process.task_states().keys()
        if not looking or self._waits_for_time_alone():
            return True
        fruit = last_fruit(trace.calls)
        if self._seen < 0 or fruit != self._fruit:
            self._seen, self._fruit = trace["next"], fruit
            return False
        since = (c for c in trace.calls[-_ROUNDS * 400 :] if c.index >= self._seen)
        turns = Counter(c.tid for c in since if c.name in TIMED or has_waited(c))
        return all(turns[tid] >= _ROUNDS for tid in looking)

    def _waits_for_time_alone(self) -> bool:
        """Whether a program that sleeps on a clock that stands has received every
        datagram that has come: however short its wait is, only the script ends it."""
        scene = self._scene
        return scene.time.is_held and scene.company.has_datagrams and not _has_unread_datagrams(scene)


def _is_short(call: Call) -> bool:
    """Whether a wait ends by itself, and soon."""
    return call.name in TIMED and 0 <= call.args[1] < (_LONG_FOR_EVENTS if call.any_of("wait") else _LONG)


def all_delivered(scene: OnStage) -> bool:
    """Whether a peer still waits although the program has returned and nothing
    it sent is on its way."""
    return scene.company.is_asleep and not _on_its_way(scene) and scene.company.is_asleep


def all_has_come(scene: OnStage) -> bool:
    """Whether every thread of the program sleeps, and had been sent nothing that had
    not arrived: it has noticed all that the script has done."""
    return not _on_its_way(scene) and _all_sleep(scene)


def is_asleep(scene: OnStage) -> bool:
    """Whether every thread of the program sleeps inside a call of the trace, or
    computes nothing outside of it."""
    unfinished = scene.process.trace.unfinished
    return bool(unfinished) and _all_sleep(scene)


def sleeps_on_all_delivered(scene: OnStage) -> bool:
    """Whether every thread of the program sleeps and has been sent nothing that
    has not arrived: it waits for more."""
    trace = scene.process.trace
    before = trace["next"]
    if not _all_sleep(scene) or _on_its_way(scene):
        return False
    return _all_sleep(scene) and _is_no_news(scene, before) and scene.run is not None


def _is_no_news(scene: OnStage, before: int) -> bool:
    """Whether the program has done nothing since, or only looked around once more.

    Args:
        before: the index of the next call, at the beginning.
    """
    trace, channel = scene.process.trace, scene.process.channel
    if not channel.closed and select.select([channel], [], [], 0)[0]:
        return False  # its function has just returned, and it sleeps until it is asked again
    idlers = _idlers(scene)
    if not trace.update() and trace["next"] == before:
        return True
    return all(call.tid in idlers for call in trace.calls if call.index >= before) and idlers <= _idlers(scene)


def _idlers(scene: OnStage) -> set[int]:
    """Threads that look around again and again, in vain, as time goes by: they rest,
    whether or not they are asleep at this moment."""
    if scene.time.is_held:
        return set()
    return {tid for tid, waits in in_vain(scene.process.trace.calls).items() if waits >= _ROUNDS}


def _all_wait(scene: OnStage, tids: Iterable[int], waiting: set[int]) -> bool:
    """Whether each of these threads, which sleep, is in a call of the trace, waits
    on a lock, and for long, or reads where the trace does not see it.

    Args:
        waiting: the threads that are in a call.
    """
    process = scene.process
    elsewhere = ((tid, process.system_call_of(tid)) for tid in tids if tid not in waiting)
    return all(call[0] == _READ or process.seconds_left_on_a_lock(tid, call) * 1000 > _LONG for tid, call in elsewhere)


def _all_sleep(scene: OnStage, states: dict[int, str] | None = None) -> bool:
    """Whether every thread of the program sleeps.

    On a held clock a thread that waits looks around every now and then; it takes
    a few looks to find all of them asleep at once.

    Args:
        states: thread id -> scheduler state, if it has just been taken.
    """
    states = states or scene.process.task_states()
    for _ in range(_LOOKS if scene.time.is_held else 0):
        if set(states.values()) == {"S"}:
            break
        states = scene.process.task_states()
    return _are_asleep(scene, states)


def _are_asleep(scene: OnStage, states: dict[int, str]) -> bool:
    awake = {tid for tid, letter in states.items() if letter != "S"}
    return bool(states) and (not awake or awake <= _idlers(scene))


def _is_endless(call: Call, now: int) -> bool:
    """Whether a call has no time limit, or one that only the script can end."""
    if call.until:
        return call.until > now
    if call.name == "waitpid":
        return not call.args[1] & os.WNOHANG
    if call.name == "flock":
        return not call.args[0] & fcntl.LOCK_NB
    return call.name in _ENDLESS or (call.name in TIMED and call.args[1] == -1)


def _waits_for_room(scene: OnStage, call: Call) -> bool:
    """Whether a call that sends has a time limit that only the script can end; or
    none, in the Unix domain, where whoever reads makes room at once."""
    if not call.any_of("send"):
        return False
    inode = sockets_of(scene.process.id_here(call.pid)).get(call.fd)
    return bool(call.until) or bool(inode and unix_table.end(scene.company.network, inode))


def _may_end_by_itself(trace: Trace) -> bool:
    """Whether time, which nobody holds, may end a wait that looks endless."""
    is_due = trace["timer_due"] > time.monotonic_ns() - _LATE
    return not trace["clock_held"] and (is_due or _has_timeouts(trace.calls))


def _has_timeouts(calls: list[Call]) -> bool:
    names = (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO)
    return any(c.name == "setsockopt" and c.args[1] in names and c.args[2] for c in calls)


def _wait_for_each_other(scene: OnStage, talking: list[PeerProcess]) -> bool:
    return wait_for_each_other(scene.company.network, scene.process.pid, [peer.pid for peer in talking])


def _on_its_way(scene: OnStage) -> bool:
    pids = [*scene.process.family(), *(peer.pid for peer in scene.company.peers)]
    return scene.company.connections.on_their_way(pids, silent=scene.arranged.silent_ports)
