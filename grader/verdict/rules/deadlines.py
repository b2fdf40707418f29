"""Connects that do not block, and time limits on a clock that the script holds."""

from __future__ import annotations

import errno as errnos
import fcntl
import itertools
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import replace

from grader.trace.errors import name_of
from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, called, explains, when_returned

_MILLISECOND = 1_000_000
#: What rounding and a late wake-up may add to a wait (nanoseconds).
_TOLERANCE = 20 * _MILLISECOND
_WAITS = ("poll", "select", "epoll_wait", "connect", "sleep")
_LIMITS = (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO)
#: Where a program's text sets the process' timer, to more than a 0 that stands there.
_TIMER = re.compile(r"^\s*(?!#|//|/?\*).*?\b(setitimer|u?alarm)\s*\((?!(?:[^()]*,)?\s*0(?:\.0)?\s*\))")


def _outcome_read(life: Descriptor) -> Call | None:
    """The call that asked how a connect in the background has ended."""
    for call in life.calls:
        if call.told_error is not None:
            return call
        if call.name in ("getpeername", "recv", "send", "write", "read"):
            return call
    return None


def _waits(evidence: Evidence, run: Run) -> list[Call]:
    """The calls of a run that have waited on the held clock."""
    return [c for c in evidence.during(run) if c.name in _WAITS and c.patience]


@explains
def writable_is_connected(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A connect in the background is over, and nobody asks how it ended (M87)."""
    if failure.kind not in ("not-connected", "unmet"):
        return
    for run, life in _returned(evidence):
        connects = [c for c in life.calls if c.name == "connect"]
        if len(connects) != 1 or connects[0].errno not in ("EINPROGRESS", "EINTR") or _outcome_read(life) is not None:
            continue
        begun = connects[0]
        wait = next((c for c in evidence.during(run) if c.any_of("wait") and c.index > begun.index), None)
        if wait is not None and wait.result > 0:
            yield Finding(
                wait.index, ("writable-is-connected",),
                f"{evidence.place(wait)} {wait.name}() reported {evidence.name_of(life)} as ready, and it was "
                "returned, although its connect() had failed: SO_ERROR was not read",
                (wait, begun), "connect(2), EINPROGRESS",
            )  # fmt: skip


@explains
def returned_all_the_same(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The program was told that a connect has failed, and returns its socket."""
    if failure.kind not in ("not-connected", "unmet"):
        return
    for run, life in _returned(evidence):
        told = [c for c in life.calls if c.index < when_returned(run) and _error_told(c)]
        if told:
            name = name_of(_error_told(told[-1]), "an error")
            again = next((c for c in life.calls if c.index > told[-1].index and c.told_error is not None), None)
            words = f"and {evidence.name_of(life)} is returned all the same"
            if again is not None:
                words = f"which is told only once: {evidence.place(again)} asked again and got 0"
            yield Finding(
                told[-1].index, ("writable-is-connected",) if again else (),
                f"{evidence.place(told[-1])} {told[-1].name}() told of {name}, {words}",
                (told[-1],), "connect(2), ERRORS",
            )  # fmt: skip


@explains
def connected_all_the_same(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A connect() that was interrupted goes on by itself; the second one is told
    so, and that counts as a failure (M62)."""
    for life in evidence.descriptors:
        connects = [c for c in life.calls if c.name == "connect" and c.done]
        again = next((c for c in connects[1:] if c.errno in ("EISCONN", "EALREADY")), None)
        if again is None or connects[0].errno not in ("EINTR", "EINPROGRESS"):
            continue
        used = any(c.index > again.index and c.name not in ("close", "connect") for c in life.calls)
        if life.closed is not None and not used:
            says = "is there" if again.errno == "EISCONN" else "is on its way"
            yield Finding(
                again.index, ("interrupted-call",),
                f"{evidence.place(again)} connect(), called again after {connects[0].errno}, failed with "
                f"{again.errno}: the connection {says}, and {evidence.place(life.closed)} closes it",
                (again, connects[0], life.closed), "connect(2), ERRORS: EINTR, EISCONN",
            )  # fmt: skip


def _returned(evidence: Evidence) -> Iterator[tuple[Run, Descriptor]]:
    """Each run that has returned a socket, with the life of that socket."""
    for run in evidence.runs:
        returned = (run.outcome or {}).get("returned")
        number = returned.get("descriptor") if isinstance(returned, dict) else None
        for life in evidence.descriptors:
            if life.number == number and not evidence.is_closed_within(run, life):
                yield run, life


@explains
def left_non_blocking(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A socket is handed over in the mode that the connect needed."""
    if failure.kind != "non-blocking":
        return
    for life in evidence.descriptors:
        if not evidence.is_given(life):
            continue
        modes = [c for c in life.calls if _makes_non_blocking(c)]
        if modes:
            last = modes[-1]
            yield Finding(
                last.index, ("left-non-blocking",),
                f"{evidence.place(last)} makes {evidence.name_of(life)} non-blocking, and it is returned like that",
                (last,), "fcntl(2), O_NONBLOCK",
            )  # fmt: skip


def _makes_non_blocking(call: Call) -> bool:
    if call.name == "fcntl":
        return call.args[0] == fcntl.F_SETFL and bool(call.args[1] & os.O_NONBLOCK)
    if call.name == "socket":
        return bool(call.args[1] & socket.SOCK_NONBLOCK)
    if call.name == "setsockopt":
        return call.args[0] == -1 and not call.args[3]  # Python: settimeout(), setblocking()
    return call.name == "ioctl"


@explains
def deadlines(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A wait that is to end later, or earlier, than the limit allows."""
    if failure.kind not in ("late", "early", "hang") or not evidence.time_limit or not evidence.runs:
        return
    run = evidence.runs[-1]
    calls, waits = evidence.during(run), _waits(evidence, run)
    if not calls or not waits or any(life.has_datagrams for life in evidence.descriptors):
        return  # of datagrams, each request has a limit of its own
    resolved = next((c for c in calls if c.name == "getaddrinfo" and c.done), None)
    begun = resolved.left if resolved is not None else calls[0].entered
    allowed = begun + evidence.time_limit
    if failure.kind == "early":
        yield from _counts_resolving(evidence, waits[0], resolved, allowed)
        return
    late = next((w for w in waits if w.gives_up_at > allowed + _TOLERANCE), None)
    if late is None or late is waits[0]:
        return
    connects = [c for c in calls if c.name == "connect" and c.index <= late.index]
    before = waits[waits.index(late) - 1]
    seconds = late.patience / 1000
    if before.errno == "EINTR" and len({c.fd for c in connects if c.index > before.index}) == 0:
        yield Finding(
            late.index, ("restarted-clock",),
            f"{evidence.place(late)} {late.name}() waits for {seconds:g} s once more after EINTR, as if no time "
            "had passed",
            (late,), "poll(2), EINTR",
        )  # fmt: skip
    elif len({c.address for c in connects}) > 1:
        yield Finding(
            late.index, ("deadline-per-address",),
            f"{evidence.place(late)} {late.name}() waits for {seconds:g} s at address {len(connects)}, although "
            f"{(late.entered - begun) / 1e9:.3g} s of the {evidence.time_limit / 1e9:g} s have passed",
            (late,), "clock_gettime(2)",
        )  # fmt: skip


@explains
def unlimited_connect(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A connect() that blocks, wherever it is waited for with a limit."""
    is_limited = evidence.time_limit or evidence.has_no_time
    if failure.kind != "hang" or not is_limited or not evidence.runs:
        return
    call = next((c for c in evidence.during(evidence.runs[-1]) if c.name == "connect" and not c.done), None)
    if call is not None and not call.until and not call.injected:
        yield Finding(
            call.index, (),
            f"{evidence.place(call)} connect() waits without a time limit, until the kernel gives up after minutes, "
            f"and {evidence.runs[-1].function}() waits for it",
            (call,), "connect(2), EINPROGRESS",
        )  # fmt: skip


@explains
def zero_is_no_limit(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A limit of 0 is handed to what takes it for none at all."""
    run = evidence.run
    if failure.kind != "hang" or not evidence.has_no_time or run is None:
        return
    calls = evidence.during(run)
    endless = [c for c in calls if c.name in _WAITS and not c.done and not c.until and not c.patience]
    if not endless or endless[-1].injected:
        return
    call = endless[-1]
    options = [c for c in calls if c.name == "setsockopt" and c.fd == call.fd and c.index < call.index]
    limits = [c for c in options if c.args[0] == -1 or (c.args[0] == socket.SOL_SOCKET and c.args[1] in _LIMITS)]
    timer = next((n for n, text in enumerate(evidence.source.lines, 1) if _TIMER.match(text)), None)
    if limits and not any(limits[-1].payload) and (limits[-1].args[0] != -1 or limits[-1].args[3]):
        limit, read = limits[-1], "socket(7), SO_SNDTIMEO"
        given = "settimeout() is given None" if limit.args[0] == -1 else f"setsockopt({limit.option}) is given 0"
        words = f"{given}, which is no time limit"
    elif timer:
        limit, read = replace(call, line=timer), "setitimer(2)"
        words = f"{_TIMER.match(evidence.source.lines[timer - 1])[1]}() is given 0, which sets no timer"
    else:
        return
    yield Finding(
        call.index - 0.5, (),
        f"{evidence.place(limit)} {words}: {call.name}() at {evidence.place(call)} waits on, although the time is up",
        (limit, call), read,
    )  # fmt: skip


def _counts_resolving(evidence: Evidence, wait: Call, resolved: Call | None, allowed: int) -> Iterator[Finding]:
    if resolved is None or resolved.left - resolved.entered <= _TOLERANCE:
        return
    spent = resolved.left - resolved.entered
    if abs(wait.gives_up_at + spent - allowed) <= _TOLERANCE:
        yield Finding(
            wait.index, ("resolving-counted",),
            f"{evidence.place(wait)} {wait.name}() waits for {wait.patience / 1000:g} s: the {spent / 1e9:g} s that "
            "getaddrinfo() took were taken off",
            (wait, resolved), "getaddrinfo(3)",
        )  # fmt: skip


@explains
def nothing_left(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What is left of the time is 0 or less, and is handed to a call that takes
    it for something else."""
    run = evidence.run
    if run is None or failure.kind not in ("outcome", "hang") or not evidence.time_limit:
        return
    calls = evidence.during(run)
    last = calls[-1] if calls else None
    raised = run.raised or {}
    if last is not None and not last.done and last.any_of("wait") and last.args[1] == -1 and _waits(evidence, run):
        yield Finding(
            last.index, (),
            f"{evidence.place(last)} {last.name}() is given a negative time limit, which means none: the time was "
            "up already",
            (last,), f"{last.name}(2)",
        )  # fmt: skip
    modes = [c for c in calls if c.name == "setsockopt" and c.args[0] == -1]
    if not modes or modes[-1].args[2] > 0 or modes[-1].args[3]:
        return
    if "Timeout value out of range" in raised.get("text", ""):
        what = "a negative time limit, which it refuses"
    elif raised.get("errno") == errnos.EINPROGRESS:
        what = "0, which makes the socket non-blocking, so that connect() fails with EINPROGRESS"
    else:
        return
    yield Finding(
        modes[-1].index, (),
        f"{evidence.place(modes[-1])} settimeout() is given {what}: the time was up already",
        (modes[-1],), "Python, socket: Notes on socket timeouts",
    )  # fmt: skip


@explains
def last_error_lost(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The error of the last address is known, and another is reported."""
    run = evidence.run
    raised = run.raised if run else None
    if failure.kind != "outcome" or not raised:
        return
    told = [(call, number) for call in evidence.during(run) if (number := _error_told(call))]
    if not told:
        return
    call, number = told[-1]
    name = name_of(number)
    if raised["errno"] != number and name in failure.errors:
        whose = "" if call.path else ", the error of the last address,"
        yield Finding(
            call.index, ("last-error-lost",),
            f"{evidence.place(call)} {call.name}() told of {name}{whose} and {answer(evidence, run)}",
            (call,), "connect(2), ERRORS",
        )  # fmt: skip


@explains
def asked_twice(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """SO_ERROR is read again for the error that reading it has cleared."""
    for life in evidence.descriptors:
        for first, second in itertools.pairwise(
            c for c in life.calls if c.name == "connect" or c.told_error is not None
        ):
            if first.told_error and second.told_error == 0:
                yield Finding(
                    second.index, ("last-error-lost",),
                    f"{evidence.place(second)} getsockopt() reads SO_ERROR once more and gets 0: reading it at "
                    f"{evidence.place(first)} has cleared it",
                    (second, first), "socket(7), SO_ERROR", particular=True,
                )  # fmt: skip
                return


def _error_told(call: Call) -> int:
    """The error of an address that a call reports; 0 if it reports none."""
    if call.name == "connect" and call.failed and call.errno not in ("EINPROGRESS", "EINTR", "EALREADY", "EAGAIN"):
        return call.error
    return call.told_error or 0


@explains
def unchecked(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A bad argument is not refused: the function goes to work."""
    run = evidence.run
    if failure.kind != "unchecked" or run is None:
        return
    calls = [c for c in evidence.during(run) if c.name != "sleep"]
    if calls:
        yield Finding(
            calls[0].index, (failure.gap,),
            f"{called(evidence, calls[0])} is called; {run.shown} must be refused before that",
            (calls[0],), "errno(3), EINVAL",
        )  # fmt: skip
