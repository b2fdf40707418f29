"""A program at the other end of a pair of sockets: how it is started, fed and ended."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator

from grader.trace.errors import name_of
from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, ended, explains, when_returned
from grader.verdict.words import counted

#: What /proc calls the standard error of whoever calls a filter, and where another one leads.
_STANDARD_ERROR = b"/memfd:stderr"
_LINK = re.compile(rb"(/[\w/.]+|pipe|socket)(?::\[\d+\])?\n")
#: What tells that a program reads no more.
_GONE = ("ECONNRESET", "EPIPE")
#: The type of a socket without the flags that socketpair(2) takes beside it.
_TYPE = 0xF
_ENDS_INPUT = (socket.SHUT_WR, socket.SHUT_RDWR)


@explains
def unfinished_conversation(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The caller and the program wait for each other."""
    run, blocked = evidence.run, _blocked(evidence)
    if failure.kind != "hang" or run is None or blocked is None or not (started := _starts(evidence, run)):
        return
    ours, theirs = _pair(evidence, run)
    if ours is None or theirs is None:
        return
    sent = [c for c in ours.calls if c.any_of("send") and c.done and c.result >= 0]
    told = any(c.name == "shutdown" and c.done and c.args[0] in _ENDS_INPUT for c in ours.calls) or ours.closed
    where = f"{evidence.place(blocked)} {blocked.name}()"
    if sum(c.result for c in sent) < len(run.message or b""):
        if blocked.any_of("send") or blocked.any_of("wait"):
            sentence = f"{where} waits for room, with the reply unread; so the program waits for room too"
            yield Finding(blocked.index, ("both-sides-send",), sentence, (blocked,), "poll(2)")
    elif not told and (blocked.any_of("recv") or blocked.any_of("wait")):
        last = f" follows the {sent[-1].name}() of {evidence.place(sent[-1])}" if sent else " is called"
        sentence = f"{where} waits for the reply, and the program for the end of its input: no shutdown(){last}"
        yield Finding(blocked.index, ("no-half-close",), sentence, (blocked,), "shutdown(2), SHUT_WR")
    elif theirs.closed is None and (blocked.any_of("recv") or blocked.any_of("wait")):
        sentence = (
            f"{where} waits for the end of the reply, which never comes: {evidence.name_of(theirs)}, the program's "
            f"end, is still open in the process that has started it at {evidence.place(started[-1])}"
        )
        yield Finding(blocked.index, ("parent-keeps-end",), sentence, (blocked, started[-1]), "close(2)")


@explains
def nobody_reads(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The input is sent before there is a program that could read it."""
    run, blocked = evidence.run, _blocked(evidence)
    if failure.kind != "hang" or run is None or blocked is None or not blocked.any_of("send"):
        return
    ours, _theirs = _pair(evidence, run)
    if ours is not None and blocked in ours.calls and not _starts(evidence, run):
        how = "waits for room in the socket, and the program that is to read from it has not been started yet"
        yield Finding(blocked.index, (), f"{evidence.place(blocked)} {blocked.name}() {how}", (blocked,), "unix(7)")


@explains
def other_standard_error(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A program that tells where its standard error leads has another one."""
    run, difference = evidence.run, failure.difference
    if failure.kind != "outcome" or difference is None or run is None or not (started := _starts(evidence, run)):
        return
    if _STANDARD_ERROR in difference.expected and (leads := _LINK.fullmatch(difference.actual)):
        kind = {"pipe": "a pipe", "socket": "a socket"}.get(leads[1].decode(), leads[1].decode())
        sentence = (
            f"{evidence.place(started[-1])} the program is started with {kind} as its standard error, not its caller's"
        )
        yield Finding(started[-1].index, (), sentence, (started[-1],), "proc(5), /proc/pid/fd")


@explains
def program_left_behind(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A program goes on, or stays a zombie, when its function has returned."""
    for run in evidence.runs if failure.kind == "left-process" else ():
        waits = [c for c in evidence.during(run) if c.name == "waitpid" and c.done and not c.failed]
        if any(c.result == 0 and not c.arg("options") & os.WNOHANG for c in waits):
            continue  # of waitid() that took one the trace does not know which
        waited = {c.result for c in waits}
        for child in _starts(evidence, run):
            if child.result not in waited and run.outcome is not None:
                what = f"the program that {evidence.place(child)} has started is never waited for"
                sentence = f"{what}, and {answer(evidence, run)}"
                yield Finding(when_returned(run), ("zombie",), sentence, (child,), "waitpid(2)")


@explains
def program_goes_on(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A program is waited for that nothing has told to end."""
    run, blocked = evidence.run, _blocked(evidence)
    if failure.kind != "hang" or run is None or blocked is None or blocked.name != "waitpid":
        return
    calls = [c for c in evidence.during(run) if c.pid == evidence.pid]
    if _starts(evidence, run) and any(c.failed for c in calls) and not any(c.name == "kill" for c in calls):
        sentence = f"{evidence.place(blocked)} waits for the program, which goes on: nothing has killed it"
        if (cause := next((c for c in calls if c.failed and c.injected), None)) is not None:
            sentence += f" since {cause.name}() at {evidence.place(cause)} {ended(evidence, cause)}"
        yield Finding(blocked.index, ("zombie",), sentence, (blocked,), "kill(2)")


@explains
def anothers_child(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Any child is waited for, and one comes that is the caller's."""
    for run in evidence.runs:
        child = ((run.outcome or {}).get("found") or {}).get("child")
        for call in evidence.during(run) if child else ():
            if call.name == "waitpid" and call.done and call.result == child:
                name = evidence.source.spelled(call) or call.name
                how = "takes the status of another child of its caller's: wait for the program alone"
                yield Finding(call.index, (), f"{evidence.place(call)} {name}() {how}", (call,), "waitpid(2)")
                break


@explains
def gives_up_reading(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A program that reads no more is taken for one that writes no more."""
    run = evidence.run
    if failure.kind not in ("outcome", "status") or run is None or not _starts(evidence, run):
        return
    ours, _theirs = _pair(evidence, run)
    calls = ours.calls if ours else []
    broken = next((c for c in calls if c.any_of("send") and c.errno in _GONE and not c.injected), None)
    if broken is None or (run.raised and name_of(run.raised["errno"]) == broken.errno):
        return
    if not any(c.any_of("recv") and c.index > broken.index for c in calls):
        yield Finding(
            broken.index, (),
            f"{evidence.place(broken)} {broken.name}() {ended(evidence, broken)}: the program reads no more, and what "
            "it writes is not received after that",
            (broken,), "send(2), ERRORS",
        )  # fmt: skip


@explains
def not_a_stream(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A pair of sockets that keeps messages apart, and drops what is not read at once."""
    run = evidence.run
    if failure.kind not in ("outcome", "status", "hang") or run is None:
        return
    ours, _theirs = _pair(evidence, run)
    kind = ours.made.arg("type") & _TYPE if ours else socket.SOCK_STREAM
    if kind != socket.SOCK_STREAM:
        sentence = f"{evidence.place(ours.made)} socketpair({socket.SocketKind(kind).name}) makes no stream"
        why = "what a program leaves of a message when it reads is lost"
        yield Finding(ours.made.index, (), f"{sentence}: {why}", (ours.made,), "socket(2), SOCK_STREAM")


@explains
def unsent_rest(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The end of the reply is taken for the end of the conversation."""
    run = evidence.run
    if failure.kind not in ("outcome", "status", "hang") or run is None or not _starts(evidence, run):
        return
    ours, _theirs = _pair(evidence, run)
    calls = ours.calls if ours else []
    moved = sum(c.result for c in calls if c.any_of("send") and c.result > 0)
    end = next((c for c in calls if c.any_of("recv") and c.done and c.result == 0), None)
    if end is None or moved >= len(run.message or b"") or any(c.any_of("send") and c.errno in _GONE for c in calls):
        return
    if not any(c.any_of("send") and c.index > end.index for c in calls):
        yield Finding(
            end.index, ("unsent-rest",),
            f"{evidence.place(end)} {end.name}() {ended(evidence, end)}, the end of the reply, and the rest of the "
            "input is never sent",
            (end,), "shutdown(2)",
        )  # fmt: skip


@explains
def reset_is_fatal(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A program that reads no more is taken for a failure."""
    run = evidence.run
    if failure.kind != "outcome" or run is None or not run.raised or not _starts(evidence, run):
        return
    ours, _theirs = _pair(evidence, run)
    for call in ours.calls if ours else ():
        if call.errno in _GONE and not call.injected and name_of(run.raised["errno"]) == call.errno:
            why = "has ended with input unread" if call.any_of("recv") else "reads no more"
            yield Finding(
                call.index, ("reset-is-fatal",),
                f"{evidence.place(call)} {call.name}() {ended(evidence, call)}: the program {why}, and "
                f"{answer(evidence, run)}",
                (call,), f"{'recv' if call.any_of('recv') else 'send'}(2), ERRORS",
            )  # fmt: skip
            return


@explains
def exec_failure(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """exec() has failed in the child, and the caller is not told."""
    run = evidence.run
    if failure.kind not in ("outcome", "success") or run is None or not failure.errors:
        return
    for call in evidence.during(run):
        if call.name == "execve" and call.errno in failure.errors and call.pid in evidence.children:
            yield Finding(
                call.index, ("exec-failure",),
                f"{evidence.place(call)} exec failed with {call.errno} in the child, and {_told(evidence, run)}",
                (call,), "execve(2)",
            )  # fmt: skip
            return


@explains
def low_descriptor(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """dup2() of a descriptor that has the number already: its flags stay."""
    if failure.kind not in ("outcome", "status", "success", "hang"):
        return
    for call in evidence.calls:
        if call.name == "dup2" and call.done and call.fd == call.arg("to") and call.pid in evidence.children:
            yield Finding(
                call.index, ("low-descriptor",),
                f"{evidence.place(call)} dup2({call.fd}, {call.fd}) does nothing: the socket has that number already, "
                "and what was set on it, close-on-exec too, stays",
                (call,), "dup(2), dup2",
            )  # fmt: skip
            return


@explains
def inherited_descriptors(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A program that lists its descriptors has more than it should."""
    run, difference = evidence.run, failure.difference
    if failure.kind != "outcome" or difference is None or run is None or not (started := _starts(evidence, run)):
        return
    expected, found = difference.expected.split(), difference.actual.split()
    if len(found) > len(expected) and all(word.isdigit() for word in (*expected, *found)):
        own = sorted(int(word) for word in found)
        yield Finding(
            started[-1].index, ("inherited-descriptors",),
            f"{evidence.place(started[-1])} the program is started with "
            f"{counted(len(found) - len(expected), 'descriptor')} of its caller's open: it has "
            f"{', '.join(map(str, own))}",
            (started[-1],), "close_range(2)", particular=True,
        )  # fmt: skip


def _blocked(evidence: Evidence) -> Call | None:
    """The call that the caller's own process is in."""
    return next((c for c in reversed(evidence.calls) if not c.done and c.pid == evidence.pid), None)


def _starts(evidence: Evidence, run: Run) -> list[Call]:
    """The calls that have started a process."""
    begins = ("fork", "posix_spawn")
    return [c for c in evidence.during(run) if c.name in begins and c.pid == evidence.pid and c.result > 0]


def _pair(evidence: Evidence, run: Run) -> tuple[Descriptor | None, Descriptor | None]:
    """Of the pair of sockets the caller's end, which it sends or receives on, and the
    program's."""
    made = [life for life in evidence.descriptors if life.made is not None and life.made.name == "socketpair"]
    made = [life for life in made if life.made.index >= run.first]
    own = next((life for life in made if life.first("send") or life.first("recv")), None)
    if own is None:  # nothing has gone over it yet: it is the one that is kept
        own = next((life for life in made if life.closed is None), None)
    other = next((life for life in made if own and life.made is own.made and life is not own), None)
    return own, other


def _told(evidence: Evidence, run: Run) -> str:
    """What the caller of a filter has been told."""
    value = (run.outcome or {}).get("returned")
    if isinstance(value, list) and len(value) == 2:
        return f"{run.function}() returned the status {value[1]}"
    return answer(evidence, run)
