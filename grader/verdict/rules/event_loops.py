"""One thread for many connections: what stops the loop, and what is lost in it."""

from __future__ import annotations

import select
from collections.abc import Iterator
from itertools import zip_longest

from grader.trace.layout import PAYLOAD_SIZE
from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure
from grader.verdict.rule import Finding, connections, ended, explains
from grader.verdict.words import counted, others

#: So many turns of a loop say what it goes round for.
_TURNS = 500


def _loop(evidence: Evidence) -> Call | None:
    """A wait of the loop itself: one that ended with a client to be accepted."""
    last = None
    for call in evidence.calls:
        if call.any_of("accept"):
            return last
        if call.any_of("wait") and call.done and call.result > 0:
            last = call
    return None


def _moves(life: Descriptor) -> list[Call]:
    return [c for c in life.calls if (c.any_of("send") or c.any_of("recv")) and c.fd == life.number]


@explains
def waits_for_one(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The loop stands still for one client (M85, M89)."""
    loop = _loop(evidence)
    if failure.kind != "hang" or loop is None:
        return
    lives = connections(evidence)
    for call in evidence.calls:
        if call.done:
            continue
        if (call.any_of("send") or call.any_of("recv")) and any(c is call for life in lives for c in life.calls):
            what = "has room" if call.any_of("send") else "sends something"
            yield Finding(
                call.index, ("blocking-socket",),
                f"{evidence.place(call)} {call.name}() waits until one client {what}, for its connection is blocking, "
                "and all others wait for the loop",
                (call, loop), "accept(2), NOTES",
            )  # fmt: skip
        elif call.any_of("wait") and call.where != loop.where and (call.args[2] > 0 or call.args[0] == 1):
            yield Finding(
                call.index, ("blocking-send",),
                f"{evidence.place(call)} {call.name}() waits for one client, and all others wait for the loop, which "
                f"waits at {evidence.place(loop)}",
                (call, loop), "poll(2)",
            )  # fmt: skip


@explains
def always_writable(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Asked for room to send with nothing to be sent (M83)."""
    if failure.kind != "busy":
        return
    last = [c for c in evidence.calls if c.done][-_TURNS:]
    if len(last) < _TURNS or not all(c.any_of("wait") and c.result > 0 for c in last):
        return
    call = last[-1]
    if call.args[2] > 0 or (call.name == "epoll_wait" and _asked_of_epoll(evidence)):
        first = next(c for c in evidence.calls if c.any_of("wait") and c.where == call.where)
        yield Finding(
            call.index, ("always-writable",),
            f"{evidence.place(first)} {first.name}() asks for room to send with nothing to be sent; there nearly "
            "always is room, so it returns at once, over and over",
            (first,), "poll(2)",
        )  # fmt: skip


def _asked_of_epoll(evidence: Evidence) -> bool:
    """Whether epoll_ctl() has last asked for room to send of some descriptor."""
    asked = {c.args[1]: c.args[2] for c in evidence.calls if c.name == "epoll_ctl" and not c.failed}
    return any(events & select.EPOLLOUT for events in asked.values())


@explains
def would_block(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """EAGAIN taken for a broken connection, or for the end of everything (M88)."""
    if failure.kind not in ("bytes", "hang", "stopped", "reset") or evidence.time_limit:
        return  # where time is limited, EAGAIN may be its end
    for life in connections(evidence):
        moves = _moves(life)
        call = next((c for c in moves if c.errno == "EAGAIN"), None)
        if call is None or any(c.index > call.index for c in moves):
            continue
        stopped = any(run.has_stopped for run in evidence.runs)
        if life.closed is None and not stopped:
            continue
        what = "the server ended" if stopped else "its client was dropped"
        yield Finding(
            call.index, ("would-block-is-fatal",),
            f"{evidence.place(call)} {call.name}() {ended(evidence, call)}, which says that it would have to wait, "
            f"and {what}",
            (call,), f"{'send' if call.any_of('send') else 'recv'}(2), ERRORS: EAGAIN",
        )  # fmt: skip
        return


@explains
def lost_tail(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What a short send left over is not sent, though the loop goes on (M41)."""
    if failure.kind not in ("bytes", "hang") or _loop(evidence) is None:
        return
    for life in connections(evidence):
        sent = [c for c in life.calls if c.any_of("send") and c.done]
        for call, following in zip_longest(sent, sent[1:]):
            left = call.args[0] - call.result
            if call.failed or left <= 0 or life.closed is not None:
                continue
            if following is None or following.args[0] < left:
                yield Finding(
                    call.index, ("lost-tail", "short-send"),
                    f"{evidence.place(call)} {call.name}() took {call.result} of {counted(call.args[0])}, "
                    f"and {others(left)} never sent",
                    (call,), "send(2), RETURN VALUE",
                )  # fmt: skip
                return


@explains
def half_line(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The beginning of a line is passed on before its end has come (M65)."""
    if failure.kind != "bytes":
        return
    lives = connections(evidence)
    for life in lives:
        received = [c for c in life.calls if c.any_of("recv") and c.done]
        for call, following in zip_longest(received, received[1:]):
            piece = call.payload.rpartition(b"\n")[2]
            if not piece or not 0 < call.result <= PAYLOAD_SIZE:
                continue
            end = following.index if following else float("inf")
            for passed in (c for other in lives if other is not life for c in other.calls if c.any_of("send")):
                is_whole = passed.done and passed.result == passed.args[0]
                if call.index < passed.index < end and is_whole and passed.payload.endswith(piece):
                    yield Finding(
                        passed.index, ("half-line",),
                        f"{evidence.place(passed)} {passed.name}() passes on {counted(len(piece))} of a line before "
                        f"its LF has come; {evidence.place(call)} {call.name}() has just returned them",
                        (passed, call), "recv(2), RETURN VALUE", particular=True,
                    )  # fmt: skip
                    return


@explains
def own_line(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A line goes back to where it came from."""
    if failure.kind != "bytes":
        return
    lives = connections(evidence)
    everything = [c for life in lives for c in life.calls if c.any_of("recv") and c.done and c.result > 0]
    for life in lives:
        received = [c for c in life.calls if c.any_of("recv") and c.done and 0 < c.result <= PAYLOAD_SIZE]
        for call in received:
            others = {c.payload for c in everything if c.fd != life.number}
            if call.payload in others:
                continue
            for back in (c for c in life.calls if c.any_of("send") and c.done and c.index > call.index):
                if back.result > 0 and back.payload == call.payload:
                    yield Finding(
                        back.index, ("own-line",),
                        f"{evidence.place(back)} {back.name}() sends a client's own {counted(back.result)} back to it; "
                        f"they were received at {evidence.place(call)}",
                        (back, call), "send(2)", particular=True,
                    )  # fmt: skip
                    return
