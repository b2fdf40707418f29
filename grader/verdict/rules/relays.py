"""Programs that stand between two sides: what each has said, and what becomes of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from grader.trace import layout
from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, ended, explains
from grader.verdict.rules.processes import one_at_a_time
from grader.verdict.words import counted, others

#: What a contract may allow to be held of each direction (bytes).
_ROOM = 65536
#: What passes, and is no end of a connection.
_PASSES = ("EAGAIN", "EINTR", "EINPROGRESS")


@dataclass
class _Side:
    """A connection of the program's, in whichever of its processes.

    Attributes:
        number: its descriptor.
        made: the accept() or socket() that it comes from.
        other: the one that its bytes go to.
    """

    number: int
    made: Call
    calls: list[Call] = field(default_factory=list)
    other: _Side | None = None

    @property
    def name(self) -> str:
        return "the client" if self.made.any_of("accept") else "the target"

    @property
    def receives(self) -> list[Call]:
        return [c for c in self.calls if c.any_of("recv") and c.done and not c.only_looks]

    @property
    def sends(self) -> list[Call]:
        return [c for c in self.calls if c.any_of("send") and c.done]

    @property
    def end(self) -> Call | None:
        """The receive that has told of its end-of-file."""
        return next((c for c in self.receives if c.result == 0 and c.args[0] > 0), None)

    def is_lost(self, index: float = float("inf")) -> bool:
        """Whether a call has told of a reset, or of another error, before another one."""
        moves = [*self.receives, *self.sends]
        return any(c.failed and c.errno not in _PASSES and c.index < index for c in moves)

    def waiting(self, index: int) -> int:
        """How many of its bytes were received and not sent to the other side, at a call."""
        came = sum(c.result for c in self.receives if c.index < index and c.result > 0)
        gone = sum(c.result for c in self.other.sends if c.index < index and c.result > 0)
        return came - gone


def _sides(evidence: Evidence) -> list[_Side]:
    """The sides of all clients that the program has connected on for, both of each."""
    held: dict[tuple[int, int], _Side] = {}  # by process and descriptor
    found: list[_Side] = []
    for call, returns in _moments(evidence.calls):
        own = (call.pid, call.fd)
        if not returns:
            if own in held:
                held[own].calls.append(call)
            if call.name in ("close", "abandon"):
                held.pop(own, None)
        elif call.any_of("accept") or call.name == "socket":
            held[call.pid, call.result] = _Side(call.result, call)
        elif call.name == "dup" and own in held:
            held[call.pid, call.result] = held[own]
        elif call.name == "fork":
            held |= {(call.result, number): side for (pid, number), side in held.items() if pid == call.pid}
        elif call.name == "connect" and own in held:
            target = held[own]
            free = [s for (pid, _), s in held.items() if pid == call.pid and s.made.any_of("accept") and not s.other]
            if free and target.other is None:
                # a child has the one that it was made for; of one process the first one waits longest
                pick = max if call.pid != evidence.pid else min
                client = pick(free, key=lambda side: side.made.index)
                client.other, target.other = target, client
                found += [client, target]
    return found


def _moments(calls: list[Call]) -> Iterator[tuple[Call, bool]]:
    """Calls when they are made, and those that make something when they have returned."""
    makes = ("accept", "accept4", "socket", "dup", "connect")
    moments = [(call.entered, call.index, call, False) for call in calls]
    moments += [(call.left, call.index, call, True) for call in calls if _has_made(call, makes)]
    # what a child does comes later than the fork() it comes from, which may return later
    moments += [(c.entered, c.index + 0.5, c, True) for c in calls if c.name == "fork" and c.done and c.result > 0]
    for _time, _index, call, returns in sorted(moments, key=lambda moment: moment[:2]):
        yield call, returns


def _has_made(call: Call, makes: tuple[str, ...]) -> bool:
    return call.name in makes and call.done and (not call.failed or call.errno in ("EINPROGRESS", "EINTR"))


def _asleep(evidence: Evidence, side: _Side) -> Call | None:
    """The call in which the process or thread of a side waits."""
    used = {(c.pid, c.tid) for one in (side, side.other) for c in one.calls}
    waiting = (c for c in evidence.calls if not c.done and (c.pid, c.tid) in used)
    return next((c for c in waiting if c.any_of("recv") or c.any_of("wait") or c.any_of("send")), None)


@explains
def others_wait(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """One client is relayed, and the next one is not accepted meanwhile."""
    if failure.kind != "hang" or not evidence.queued:
        return
    for side in _sides(evidence)[::2]:  # the clients
        asleep = _asleep(evidence, side)
        if asleep is not None and (asleep.pid, asleep.tid) == (side.made.pid, side.made.tid):
            yield Finding(
                asleep.index, ("one-client",),
                f"{evidence.place(asleep)} {asleep.name}() relays one client where the next one is to be accepted; "
                f"{evidence.queued[0]} waits in the backlog",
                (asleep, side.made), "fork(2)", particular=True,
            )  # fmt: skip
            return
    for finding in one_at_a_time(evidence, failure):
        yield replace(finding, at=finding.at - 0.25, gaps=("one-client",), particular=True)


@explains
def one_side_is_deaf(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What one side has said lies unread, while the program waits for the other one."""
    if failure.kind != "hang":
        return
    for side in _sides(evidence):
        asleep = _asleep(evidence, side)
        if side.number not in evidence.unread or asleep is None or asleep.fd == side.number:
            continue
        if side.end is not None or side.waiting(asleep.index) >= _ROOM:
            continue
        yield Finding(
            asleep.index, ("one-direction",),
            f"{evidence.place(asleep)} {asleep.name}() sleeps, and what {side.name} has sent is unread: the relay "
            f"waits for {side.other.name} alone",
            (asleep, side.made), "poll(2)", particular=True,
        )  # fmt: skip
        return


@explains
def ends_with_one(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """End-of-file of one side ends both directions."""
    if failure.kind not in ("bytes", "reset", "hang", "unmet", "gone", "log"):
        return
    for side in _sides(evidence):
        over, other = side.end, side.other
        if over is None or side.is_lost() or other.is_lost() or _is_own(evidence, side, over):
            continue
        closing = next((c for c in evidence.calls if c.entered >= over.left and _is_end_of(c, side)), None)
        if closing is None or side.waiting(closing.index) > 0:
            continue
        if other.end is not None and other.end.left < closing.entered:
            continue
        yield Finding(
            over.index, ("lost-half-close",),
            f"{evidence.place(over)} {over.name}() {ended(evidence, over)}, the end of what {side.name} says, and "
            f"{evidence.place(closing)} {_spoken(closing)} ends both directions: what {other.name} says is lost",
            (over, closing), "shutdown(2)", particular=True,
        )  # fmt: skip
        return


def _is_own(evidence: Evidence, side: _Side, over: Call) -> bool:
    """Whether it is the program itself that has brought an end-of-file about, before
    the thread that has received it goes on."""
    goes_on = min((c.index for c in evidence.calls if c.tid == over.tid and c.index > over.index), default=1 << 62)
    shut = [c for c in side.calls if c.name == "shutdown" and c.args[0] != socket.SHUT_WR]
    return any(c.index < goes_on for c in shut)


def _is_end_of(call: Call, side: _Side) -> bool:
    """Whether a call ends the direction that comes back to a side."""
    shuts = call.name == "shutdown" and call.args[0] != socket.SHUT_WR
    if call.name == "exit":
        return any(call.pid == c.pid for c in side.calls)
    return (call.name == "close" or shuts) and any(call is c for c in (*side.calls, *side.other.calls))


def _spoken(call: Call) -> str:
    return f"{call.name}()" if call.name != "exit" else "the end of the process"


@explains
def rest_forgotten(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What a send() has left over is not sent, though the relay goes on (M41)."""
    if failure.kind not in ("hang", "bytes"):
        return
    for side in _sides(evidence):
        sends = side.sends
        for call, following in zip_longest(sends, sends[1:]):
            left = call.args[0] - call.result
            if call.failed or left <= 0 or (following is not None and following.args[0] >= left):
                continue
            if following is None and any(_shuts(c) for c in side.calls if c.index > call.index):
                continue
            yield Finding(
                call.index, ("short-send",),
                f"{evidence.place(call)} {call.name}() took {call.result} of {counted(call.args[0])}, "
                f"and {others(left)} never sent",
                (call,), "send(2), RETURN VALUE",
            )  # fmt: skip
            return


@explains
def end_overtakes(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The end of a side is passed on while some of what it has said still waits."""
    if failure.kind not in ("hang", "bytes", "reset", "log"):
        return
    for side in _sides(evidence):
        shut = next((c for c in side.other.calls if _shuts(c)), None)
        if side.end is None or shut is None or side.waiting(shut.index) <= 0 or side.other.is_lost(shut.index):
            continue
        yield Finding(
            shut.index, ("lost-tail",),
            f"{evidence.place(shut)} {shut.name}() ends the direction to {side.other.name} before all that {side.name} "
            "has said is sent: some of it still waits",
            (shut, side.end), "shutdown(2)", particular=True,
        )  # fmt: skip
        return


def _shuts(call: Call) -> bool:
    return call.name == "close" or (call.name == "shutdown" and call.args[0] != socket.SHUT_RD)


@explains
def sent_before_written(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Bytes have gone on, and the log does not tell of them yet."""
    if failure.kind != "log" or failure.gap != "late-line":
        return
    held = [c for side in _sides(evidence) for c in side.calls if c.any_of("send") and c.injected & layout.HOLD]
    call = max(held, key=lambda c: c.index, default=None)
    if call is not None:
        yield Finding(
            call.index, ("late-line",),
            f"{evidence.place(call)} {call.name}() passes on {counted(call.args[0])}, and the log does not tell of "
            "them yet",
            (call,), "write(2)",
        )  # fmt: skip


@explains
def takes_without_end(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """More and more is received for a side that does not read."""
    if failure.kind != "queue":
        return
    for side in _sides(evidence):
        call = next((c for c in side.receives if c.result > 0 and side.waiting(c.index) + c.result > _ROOM), None)
        if call is not None:
            yield Finding(
                call.index, ("unbounded-queue",),
                f"{evidence.place(call)} {call.name}() takes more of what {side.name} says than {_ROOM} bytes beside "
                f"those that wait: {side.other.name} does not read",
                (call,), "recv(2)",
            )  # fmt: skip
            return


@explains
def reset_ends_it(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A call fails on a connection that is gone, and nobody writes that down."""
    if failure.kind != "log" or failure.gap != "dies-of-reset":
        return
    calls = [c for side in _sides(evidence) for c in side.calls if c.any_of("recv") or c.any_of("send")]
    broken = [c for c in calls if (c.failed and c.errno not in _PASSES) or (c.any_of("send") and not c.done)]
    if broken:
        call = max(broken, key=lambda c: c.index)
        how = ended(evidence, call) if call.done else "on a broken connection, without MSG_NOSIGNAL: SIGPIPE ended it"
        yield Finding(
            call.index, ("dies-of-reset",),
            f"{evidence.place(call)} {call.name}() {how}, and the log has no line for that",
            (call,), "send(2), ERRORS",
        )  # fmt: skip


@explains
def sent_unwritten(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Bytes go on whose line could not be written."""
    if failure.kind != "surplus" or failure.gap != "unwritten-line":
        return
    sent = [c for side in _sides(evidence) for c in side.sends if c.result > 0]
    if sent:
        call = sent[-1]
        yield Finding(
            call.index, ("unwritten-line",),
            f"{evidence.place(call)} {call.name}() passes on {counted(call.result)}, although nothing could be written "
            "to the log",
            (call,), "write(2), ERRORS",
        )  # fmt: skip
