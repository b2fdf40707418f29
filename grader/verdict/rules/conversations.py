"""Conversations: who ends what he says, and when; who listens meanwhile."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from grader.verdict.evidence import Descriptor, Evidence, Failure, Run
from grader.verdict.rule import Finding, ended, explains
from grader.verdict.words import counted


def _talks(evidence: Evidence) -> Iterator[tuple[Run, Descriptor, int]]:
    """Each connection on which a run has asked for something, and with how many bytes."""
    for run in evidence.runs:
        for life in evidence.descriptors if not run.endless else ():  # a server may ask for somebody else
            if life.made is not None and life.first("connect") is None:
                continue  # one that was accepted: the other side asks; or a pair
            calls = [c for c in life.calls if run.first <= c.index and (run.last is None or c.index < run.last)]
            if any(c.any_of("send") for c in calls):
                yield run, life, sum(c.result for c in calls if c.any_of("send") and c.done and c.result > 0)


def _duplicates(evidence: Evidence, life: Descriptor) -> list[Descriptor]:
    """A descriptor and those that dup() has made of it."""
    made = [c for c in life.calls if c.name == "dup" and c.done and not c.failed]
    return [life, *(other for other in evidence.descriptors if any(other.made is call for call in made))]


@explains
def no_half_close(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The end of a request is never told, and both sides wait (M55)."""
    run = evidence.run
    unfinished = [c for c in evidence.calls if not c.done and c.name != "pthread_join"]
    blocked = unfinished[-1] if unfinished else None
    if failure.kind != "hang" or run is None or run.message is None or blocked is None:
        return
    if not (blocked.any_of("recv") or blocked.any_of("wait")):
        return
    for life in evidence.descriptors:
        family = _duplicates(evidence, life)
        sent = [c for one in family for c in one.calls if c.any_of("send") and c.done and c.index >= run.first]
        if life.first("connect") is None or sum(max(c.result, 0) for c in sent) < len(run.message):
            continue
        closed = next((one.closed for one in family if one.closed is not None), None)
        if any(one.first("shutdown") for one in family) or all(one.closed for one in family):
            continue
        if closed is not None:
            words = f"{evidence.place(closed)} closes one of two descriptors, which ends nothing"
        elif sent:
            words = f"no shutdown() follows the {sent[-1].name}() of {evidence.place(sent[-1])}"
        else:
            words = "it is empty, and no shutdown() was called to say so"
        yield Finding(
            blocked.index, ("no-half-close",),
            f"{evidence.place(blocked)} {blocked.name}() waits for the reply, and the server for the end of the "
            f"request: {words}",
            (blocked, *([closed] if closed else sent[-1:])), "shutdown(2), SHUT_WR", particular=True,
        )  # fmt: skip


@explains
def closed_too_early(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Both directions are ended where only one was to be: no reply can come."""
    for _run, life, _sent in _talks(evidence):
        if life.has_datagrams:
            continue  # where nothing ends
        received = [c for c in life.calls if c.any_of("recv") and c.done and not c.errno]
        for call in life.calls:
            before = [c for c in received if c.left < call.entered]
            if any(c.result == 0 for c in before):
                break
            if call.name == "shutdown" and call.done and not call.failed and call.args[0] != socket.SHUT_WR:
                ends = "the receiving direction" if call.args[0] == socket.SHUT_RD else "both directions"
                yield Finding(
                    call.index, ("closed-too-early",),
                    f"{evidence.place(call)} shutdown() ends {ends} of {evidence.name_of(life)} "
                    "before the reply has come",
                    (call,), "shutdown(2), SHUT_WR",
                )  # fmt: skip
                break
            if call.name == "close" and not before and call.done and failure.kind in ("outcome", "unmet", "success"):
                yield Finding(
                    call.index, ("closed-too-early",),
                    f"{evidence.place(call)} closes {evidence.name_of(life)}, on which nothing has been received",
                    (call,), "shutdown(2), SHUT_WR",
                )  # fmt: skip
                break


@explains
def both_sides_send(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Both sides wait for room to send, and neither reads (M70)."""
    if failure.kind != "deadlock":
        return
    gaps: tuple[str, ...] = ("both-sides-send",)
    for call in evidence.calls:
        if call.any_of("recv"):
            gaps = ()  # it has received while it was sending, and then stopped
        if not call.done and (call.any_of("send") or call.any_of("wait")):
            yield Finding(
                call.index, gaps,
                f"{evidence.place(call)} {call.name}() waits for room to send, with the server's answer unread; "
                "so the server waits for room too, and neither goes on",
                (call,), "tcp(7)",
            )  # fmt: skip
            return


@explains
def shut_too_early(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The sending direction ends before the request does."""
    if failure.kind not in ("bytes", "outcome", "unmet"):
        return
    for run, life, sent in _talks(evidence):
        if run.message is None or sent >= len(run.message) or any(c.any_of("send") and c.failed for c in life.calls):
            continue
        end = life.first("shutdown") or life.closed
        over = next((c for c in life.calls if c.any_of("recv") and c.done and c.result == 0 and c.args[0] > 0), None)
        if end is None or (end.name == "shutdown" and end.args[0] == socket.SHUT_RD):
            continue
        short = next((c for c in reversed(life.calls) if c.any_of("send") and c.index < end.index), None)
        if over is not None and over.index < end.index and short is not None:
            yield Finding(
                over.index, ("shut-too-early",),
                f"{evidence.place(over)} {over.name}() {ended(evidence, over)}, the end of what the server says, and "
                f"{run.function}() stopped sending: {sent} of {counted(len(run.message))}",
                (over, end), "shutdown(2)",
            )  # fmt: skip
        elif end.name == "shutdown" and short is not None and short.result < short.args[0]:
            yield Finding(
                end.index, ("shut-too-early",),
                f"{evidence.place(end)} shutdown() comes after {sent} of {counted(len(run.message))}",
                (end, short), "shutdown(2)",
            )  # fmt: skip
