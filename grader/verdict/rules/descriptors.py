"""Descriptors: mixed up, used after their end, closed twice, left open."""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure, Run
from grader.verdict.rule import Finding, explains, violation, when_returned

#: What -ftrivial-auto-var-init=pattern leaves in an int: gcc, clang.
PATTERNS = (-0x01010102, -0x55555556)


#: What a call makes, where it is no socket of its own.
_MADE = {"epoll_create": "the epoll descriptor", "dup": "the duplicate", "socketpair": "a socket of the pair"}
#: The descriptor of a socket object of Python's that has been closed.
_CLOSED_SOCKET = -1
#: Calls that return a new descriptor.
_MAKERS = ("socket", "accept", "accept4", "dup")


@explains
def unset_descriptor(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A call on a descriptor that no call has returned (M22, M23)."""
    returned, closes = set(evidence.lent), False
    for call in evidence.calls:
        closes |= call.name == "close" and call.done
        if closes and call.fd == _CLOSED_SOCKET and evidence.source.language == "python":
            continue  # another mistake: see `after_close`
        if call.name == "close" and call.pid != evidence.pid:
            continue  # a child closes whatever it may have inherited
        if call.failed and call.errno in ("EBADF", "ENOTSOCK") and not call.injected and call.fd not in returned:
            used = evidence.source.descriptor(call) or "a descriptor"
            yield _mixed_up(evidence, call, f"`{used}`", f"{call.name}() uses `{used}`, which no call has set")
            return
        if call.done and call.name in _MAKERS:
            returned.add(call.result)  # -1 too: a failure that was not looked at


@explains
def unset_name(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Python's word for the same mistake: a name that was never bound."""
    run = evidence.run
    raised = run.raised if run else None
    if not raised or "NameError" not in raised["bases"]:
        return
    found = re.search(r"'(\w+)'", raised["text"])
    used = raised["name"] or (found.group(1) if found else "")
    line = evidence.source.line(raised["line"])
    if used and re.search(rf"\b{used}\.(bind|listen|accept|setsockopt|connect|send\w*|recv\w*)\(", line):
        place = f"{evidence.source.name}:{raised['line']}"
        last = evidence.calls[-1] if evidence.calls else None
        finding = _mixed_up(evidence, last, f"`{used}`", f"{place} uses `{used}`, which was never assigned")
        at = finding.calls[-1].index if finding.calls else 0
        yield Finding(
            at, finding.gaps, finding.sentence.removeprefix(f"{evidence.place(last)} "), finding.calls, finding.read
        )


def _mixed_up(evidence: Evidence, call: Call | None, used: str, sentence: str) -> Finding:
    made = next((c for c in reversed(evidence.calls) if c.name == "socket" and c.done and not c.failed), None)
    stored = evidence.source.assigned(made) if made else ""
    if made is not None and stored and f"`{stored}`" != used:
        sentence += f"; socket() at {evidence.place(made)} put its descriptor into `{stored}`"
    place = f"{evidence.place(call)} " if call and call.line and not sentence.startswith(evidence.source.name) else ""
    calls = tuple(c for c in (call, made) if c)
    return Finding(call.index if call else 0, ("fd-mix-up",), f"{place}{sentence}", calls, "socket(2)")


@explains
def listens_elsewhere(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """bind() on one socket, listen() on another (M22): the kernel does not mind
    and lets the second listen on a port of its own choice."""
    bound = next((life for life in evidence.descriptors if life.succeeded("bind")), None)
    for life in evidence.descriptors:
        listen = life.succeeded("listen")
        if listen and not life.succeeded("bind") and bound is not None and bound is not life:
            bind = bound.succeeded("bind")
            yield Finding(
                listen.index,
                ("fd-mix-up",),
                f"{evidence.place(bind)} bind() names {evidence.name_of(bound)}, but {evidence.place(listen)} "
                f"listen() is called on {evidence.name_of(life)}",
                (listen, bind),
                "bind(2)",
            )


@explains
def after_close(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A call on a descriptor after it was closed."""
    closed: dict[tuple[int, int], Call] = {}  # in each process
    for call in evidence.calls:
        number = (call.pid, call.fd)
        if call.name == "close" and call.done and not call.failed:
            closed[number] = call
            if evidence.source.language == "python":
                closed[call.pid, _CLOSED_SOCKET] = call
        elif call.done and not call.failed and (call.pid, call.result) in closed and call.name in _MAKERS:
            del closed[call.pid, call.result]
        elif number in closed and call.errno == "EBADF" and call.name != "close" and not call.injected:
            yield Finding(
                call.index, ("use-after-close",),
                f"{evidence.place(call)} {call.name}() uses a descriptor that was closed "
                f"at {evidence.place(closed[number])}",
                (call, closed[number]), "close(2)",
            )  # fmt: skip


@explains
def lent_closed(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The caller's descriptor is closed by the function it was lent to."""
    for life in evidence.descriptors:
        if life.made is None and life.closed is not None and _is_within(evidence.runs, life.closed):
            yield Finding(
                life.closed.index, ("lent-closed",),
                f"{evidence.place(life.closed)} closes the descriptor that was lent; it belongs to the caller",
                (life.closed,), "close(2)",
            )  # fmt: skip


def _is_within(runs: list[Run], call: Call) -> bool:
    """Whether a call was made by a function, not by its caller afterwards."""
    return any(run.first <= call.index and (run.last is None or call.index < run.last) for run in runs)


@violation
def closed_twice(evidence: Evidence) -> Iterator[Finding]:
    """close() of what is closed already (M91), or was never open."""
    closed: dict[tuple[int, int], Call] = {}  # in each process
    for call in evidence.calls:
        number = (call.pid, call.fd)
        if call.name != "close" or not call.done or call.injected:
            if call.done and (call.pid, call.result) in closed and call.name in _MAKERS:
                del closed[call.pid, call.result]
            continue
        if not call.failed:
            if call.fd >= 0:  # Python: -1 stands for a socket closed before
                closed[number] = call
        elif call.errno == "EBADF" and number in closed:
            yield Finding(
                call.index, ("wrong-close", "descriptor-reuse"),
                f"{evidence.place(call)} {_closes_again(evidence, call, closed[number])}",
                (call, closed[number]), "close(2)",
            )  # fmt: skip
        elif call.errno == "EBADF" and call.fd in PATTERNS:
            name = evidence.source.descriptor(call) or "a descriptor"
            yield Finding(
                call.index, ("fd-mix-up", "wrong-close"),
                f"{evidence.place(call)} closes `{name}`, which no call has set",
                (call,), "close(2)",
            )  # fmt: skip


def _closes_again(evidence: Evidence, call: Call, first: Call) -> str:
    """A second close(); where a function of the program's makes both, told from its callers' lines."""
    callers = [moment.callers[0] for moment in map(evidence.moments, (first, call)) if moment and moment.callers]
    if call.line == first.line and len(callers) == 2:
        return f"closes the same descriptor twice: called at line {callers[0]}, and again at line {callers[1]}"
    return f"closes a descriptor that was closed at {evidence.place(first)} already"


@explains
def left_open(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A descriptor that is still open when the function has returned."""
    if failure.kind == "left-open":
        open_now = evidence.after.descriptors if evidence.after else {}
        for life in evidence.descriptors:
            if evidence.is_given(life):
                continue
            if evidence.deserted and life.number not in evidence.deserted:
                continue  # a server may keep what it still needs
            if life.made is not None and life.closed is None and life.number in open_now:
                yield _leak(evidence, life)


@violation
def abandoned(evidence: Evidence) -> Iterator[Finding]:
    """Python: a socket left to the garbage collector (M72), which closes it at a
    time of its own choice."""
    for life in evidence.descriptors:
        if life.closed is not None and life.closed.name == "abandon" and life.made is not None:
            yield _leak(evidence, life)


def _leak(evidence: Evidence, life: Descriptor) -> Finding:
    connect, bind = life.first("connect"), life.first("bind")
    where = evidence.place(life.made)
    name = evidence.name_of(life)
    gaps: tuple[str, ...] = ("fd-leak", "socket-leak")
    refused = next((c for c in life.calls if c.failed and (c.name == "listen" or c.any_of("accept"))), None)
    if refused is not None and refused is [c for c in life.calls if c.name == "listen" or c.any_of("accept")][-1]:
        gaps = ("leaked-listener", "fd-leak")
        what = f"the socket {name} of {where}, whose {refused.name}() failed with {refused.errno},"
    elif life.is_listening:
        gaps, what = ("open-listener", "fd-leak"), f"the listening socket {name} of {where}"
    elif connect is not None and life.succeeded("connect") is None:
        ended = f"failed with {connect.errno}"
        if connect.errno in ("EINPROGRESS", "EINTR", "EAGAIN"):
            ended = "came to nothing"
        elif not connect.done:
            ended = "is still under way"
        what = f"the socket of {where}, whose connect() {ended},"
    elif connect is not None:
        gaps = gaps if life.has_datagrams else ("wrong-close", "socket-leak")
        what = f"the connected socket {name} of {where}"
    elif bind is not None and life.succeeded("bind") is None:
        gaps, what = ("leaked-candidate", "fd-leak"), f"the socket of {where}, whose bind() failed with {bind.errno},"
    elif life.made.any_of("accept"):
        what = f"the connection {name} of {where}"
    elif life.made.name == "recvmsg":
        gaps = ("surplus-leak", "fd-leak")
        what = f"descriptor {life.number}, one of {len(life.made.passed)} that recvmsg() at {where} has brought,"
    else:
        what = f"{_MADE.get(life.made.name, 'the descriptor')} of {where}"
    last = next((c for c in (connect, bind, life.made) if c), life.made)
    # the rule is broken when the function returns: until then there was time
    run = next((r for r in evidence.runs if r.last is None or life.made.index < r.last), evidence.runs[-1])
    return Finding(when_returned(run), gaps, f"{what} is never closed", (life.made, last), "close(2)")
