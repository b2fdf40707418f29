"""Clients of a Unix datagram server: their own address, and whom they hear."""

from __future__ import annotations

import os
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure
from grader.verdict.model import Verdict
from grader.verdict.rule import Finding, explains


@explains
def no_address(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The server sees no address that it could answer (M101)."""
    call = _last(evidence, "send") if failure.kind == "unnamed" else None
    if call is not None:
        how = "sends from a socket that has no address: nothing has bound it"
        sentence = f"{evidence.place(call)} {call.name}() {how}"
        yield Finding(call.index, ("unbound-client",), sentence, (call,), "unix(7), Autobind feature")


@explains
def left_path(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The path of a socket is there when its function has ended."""
    if failure.kind != "left-path" or evidence.run is None:
        return
    bind = next((c for c in evidence.during(evidence.run) if _names(c) and not c.path.startswith(b"\0")), None)
    if bind is not None:
        sentence = f"{evidence.place(bind)} bind() makes a path that is left behind"
        yield Finding(bind.index, ("left-path",), sentence, (bind,), "unix(7), Pathname sockets", particular=True)


@explains
def shared_address(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Two processes have the same address."""
    if failure.kind != "shared-address":
        return
    bind = next((c for c in evidence.calls if _names(c)), None)
    if bind is not None:
        sentence = f"{evidence.place(bind)} bind() takes the same address in every process: {failure.sentence}"
        yield Finding(bind.index, ("shared-path",), sentence, (bind,), "bind(2), EADDRINUSE")


@explains
def hears_everybody(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What a stranger has sent is taken for the answer (M96)."""
    run = evidence.run
    if failure.gap != "any-sender" or run is None:
        return
    calls = evidence.during(run)
    heard = next((c for c in calls if c.any_of("recv") and c.done and not c.failed), None)
    connect = next((c for c in calls if c.name == "connect" and c.done and not c.failed), None)
    bind = next((c for c in calls if c.name == "bind" and c.done and not c.failed), None)
    if heard is None:
        return
    if connect is None:
        how = f"{heard.name}() takes what anybody sends: the socket is not connected"
        guilty = (heard,)
    elif bind is not None and bind.index < connect.index:
        how = f"{heard.name}() takes what came after bind() at {evidence.place(bind)}, and before connect()"
        guilty = (heard, bind, connect)
    else:
        return
    yield Finding(heard.index, ("any-sender",), f"{evidence.place(heard)} {how}", guilty, "connect(2)")


@explains
def other_spelling(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The server's answer is thrown away, for its name is written in another way."""
    run = evidence.run
    if run is None or run.succeeded or not run.path:
        return
    for call in evidence.during(run):
        name = os.fsdecode(call.path or b"")
        if not call.any_of("recv") or not call.done or call.failed or name == run.path:
            continue
        if os.path.normpath(name) == os.path.normpath(run.path):
            shown = name.removeprefix(os.path.dirname(run.path))
            how = f"has brought the server's answer, and it is thrown away: its name ends in {shown!r} there"
            sentence = f"{evidence.place(call)} {call.name}() {how}"
            yield Finding(call.index, (), sentence, (call,), "unix(7), Pathname sockets")


@explains
def gone_address(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The path of the own address is removed before the answer has come."""
    if failure.kind != "unreachable" or evidence.run is None:
        return
    calls = evidence.during(evidence.run)
    bind = next((c for c in calls if _names(c)), None)
    unlink = next((c for c in calls if c.name == "unlink" and c.done and not c.failed), None)
    if bind is not None and unlink is not None:
        how = "removes the path of the own address before the answer has come"
        yield Finding(unlink.index, (), f"{evidence.place(unlink)} unlink() {how}", (unlink, bind), "unlink(2)")
    elif bind is not None and bind.path.startswith(b"/proc/self/"):
        how = "takes an address in /proc/self, which for the server is another directory"
        yield Finding(bind.index, (), f"{evidence.place(bind)} bind() {how}", (bind,), "proc(5)")


@explains
def limit_of_nothing(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A limit of 0 in SO_RCVTIMEO or SO_SNDTIMEO is none."""
    for call in evidence.calls if failure.verdict is Verdict.HANG else ():
        life = evidence.life(call) if not call.done and (call.any_of("recv") or call.any_of("send")) else None
        option = "SO_RCVTIMEO" if call.any_of("recv") else "SO_SNDTIMEO"
        limits = [c for c in life.calls if c.name == "setsockopt" and c.option == option] if life else []
        if limits and not limits[-1].payload.strip(b"\0"):
            sentence = (
                f"{evidence.place(limits[-1])} setsockopt({option}) of 0 is no limit: {call.name}() waits for ever"
            )
            yield Finding(limits[-1].index, (), sentence, (limits[-1], call), f"socket(7), {option}")


@explains
def patient_send(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A send() to a full queue waits, and nothing limits it."""
    if failure.kind != "late" and failure.verdict is not Verdict.HANG:
        return
    for call in evidence.calls:
        life = evidence.life(call) if call.any_of("send") and not call.done else None
        if life is not None and life.made is not None and life.made.name == "socket" and call.address is None:
            sentence = (
                f"{evidence.place(call)} {call.name}() waits for room in the server's queue, and nothing limits that"
            )
            yield Finding(call.index, ("waits-for-ever",), sentence, (call,), "send(2), EAGAIN", particular=True)


def _last(evidence: Evidence, group: str) -> Call | None:
    return next((c for c in reversed(evidence.calls) if c.any_of(group) and c.done and not c.failed), None)


def _names(call: Call) -> bool:
    """Whether a call has given a Unix socket an address."""
    return call.name == "bind" and call.done and not call.failed and bool(call.path)
