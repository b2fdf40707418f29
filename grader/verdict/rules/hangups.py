"""Servers that take notice of a client's end before what it has said."""

from __future__ import annotations

from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure
from grader.verdict.rule import Finding, explains


@explains
def hangup_first(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A connection is closed on the word of a wait, with bytes in it that were never received."""
    if failure.kind not in ("bytes", "reset", "hang", "unmet"):
        return
    for life in evidence.descriptors:
        if not life.was_accepted or life.closed is None or _has_ended(life):
            continue
        wait = _last_wait(evidence, life.closed)
        since = [c for c in life.calls if wait is not None and c.index > wait.index and c is not life.closed]
        if wait is not None and wait.index > life.made.index and not any(_moves(call) for call in since):
            yield Finding(
                life.closed.index, (),
                f"{evidence.place(life.closed)} the connection is closed as soon as {wait.name}() tells of the "
                "client's end; what the client has sent before it is never received",
                (life.closed, wait), "poll(2), POLLRDHUP",
            )  # fmt: skip
            return


def _has_ended(life: Descriptor) -> bool:
    """Whether the program has seen the end of a connection, or an error of it."""
    return any(_moves(c) and c.done and (c.result == 0 or (c.failed and c.errno != "EAGAIN")) for c in life.calls)


def _last_wait(evidence: Evidence, before: Call) -> Call | None:
    """The wait that has told of something, before a call of the same thread."""
    waits = (c for c in reversed(evidence.calls) if c.any_of("wait") and c.index < before.index and c.tid == before.tid)
    return next((wait for wait in waits if wait.done and wait.result > 0), None)


def _moves(call: Call) -> bool:
    return call.any_of("recv") or call.any_of("send")
