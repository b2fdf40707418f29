"""Time limits and other wishes of a program's own, which no contract has."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, ended, explains

_LIMITS = (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO)
#: Failures of a program that gave up where it was to go on waiting.
_GAVE_UP = ("outcome", "unmet", "stopped", "bytes", "early", "gone", "reset")


def _sets_a_limit(call: Call) -> bool:
    """Whether a call gives a socket a time limit: settimeout(), SO_RCVTIMEO."""
    return call.name == "setsockopt" and bool(call.args[2]) and (call.args[0] == -1 or call.args[1] in _LIMITS)


def _gave_up(evidence: Evidence, run: Run) -> tuple[Call, Call] | None:
    """The call whose time was over, and the one that had limited it."""
    calls = evidence.during(run)
    limits = {}
    for call in calls:
        if _sets_a_limit(call):
            limits[call.fd] = call
            continue
        is_over = call.fd in limits and call.errno in ("EAGAIN", "EINPROGRESS", "ETIMEDOUT") and not call.injected
        if is_over and not any(c.index > call.index and c.fd == call.fd and c.name == call.name for c in calls):
            return call, limits[call.fd]
    waits = [c for c in calls if c.any_of("wait")]
    last = waits[-1] if waits else None
    if last is not None and last.done and last.result == 0 and last.args[1] > 0 and last.index > calls[-1].index - 3:
        return last, last
    return None


@explains
def inherited_limit(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A client is dropped when a time is up that was set on the listening socket."""
    listening = {life.number: life for life in evidence.descriptors if life.is_listening}
    for life in evidence.accepted if failure.kind in _GAVE_UP else ():
        listener = listening.get(life.made.fd)
        limit = next((c for c in listener.calls if _sets_a_limit(c)), None) if listener else None
        over = next((c for c in life.calls if c.errno == "EAGAIN" and not c.injected), None)
        if limit is not None and over is not None and evidence.source.language == "c":
            yield Finding(
                over.index - 0.5, (),  # before what is said of every EAGAIN
                f"{evidence.place(over)} {over.name}() {ended(evidence, over)}: the time limit that the listening "
                f"socket got at {evidence.place(limit)}, and every accepted one inherits, is over",
                (over, limit), "socket(7), SO_RCVTIMEO",
            )  # fmt: skip
            return


@explains
def own_time_limit(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The program gives up after a time of its own."""
    run = evidence.run
    if run is None or run.outcome is None or failure.kind not in _GAVE_UP or evidence.time_limit:
        return
    if found := _gave_up(evidence, run):
        call, limit = found
        if call is limit:
            what = f"gave up after its {call.args[1]} ms"
        else:
            is_pythons = limit.args[0] == -1  # whose end is an exception of its own, whatever the errno
            how = "raised TimeoutError" if is_pythons else ended(evidence, call)
            spelled = "settimeout()" if is_pythons else "setsockopt()"
            what = f"{how} when the time limit of {spelled} at {evidence.place(limit)} was over"
        yield Finding(
            call.index, (),
            f"{evidence.place(call)} {call.name}() {what}, and {answer(evidence, run)}; the contract has no such limit",
            (call, limit), "socket(7), SO_RCVTIMEO",
        )  # fmt: skip


@explains
def impatient_call(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """One call of a socket that blocks is told not to wait, and that is the end."""
    run = evidence.run
    if run is None or run.raised is None or run.endless or failure.kind not in _GAVE_UP:
        return
    moves = [c for c in evidence.during(run) if c.any_of("send") or (c.any_of("recv") and c.name != "read")]
    last = moves[-1] if moves else None
    if last is None or last.injected or last.errno != "EAGAIN" or run.raised["errno"] != errno.EAGAIN:
        return
    if last.name != "write" and last.args[1] & socket.MSG_DONTWAIT:
        yield Finding(
            last.index, (),
            f"{evidence.place(last)} {last.name}(MSG_DONTWAIT) does not wait, and {answer(evidence, run)}",
            (last,), f"{'send' if last.any_of('send') else 'recv'}(2), MSG_DONTWAIT",
        )  # fmt: skip


@explains
def throws_away(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """SO_LINGER with a time of 0: close() resets the connection."""
    if failure.kind not in ("reset", "bytes", "gone"):
        return
    for life in evidence.descriptors:
        linger = next((c for c in life.calls if c.name == "setsockopt" and c.args[1] == socket.SO_LINGER), None)
        if linger is not None and life.closed is not None and linger.args[0] == socket.SOL_SOCKET:
            yield Finding(
                life.closed.index, (),
                f"{evidence.place(life.closed)} close() with SO_LINGER set at {evidence.place(linger)} resets the "
                "connection, and throws away what has not arrived",
                (linger, life.closed), "socket(7), SO_LINGER",
            )  # fmt: skip
            return
