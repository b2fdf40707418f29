"""Requests by datagram: lost ones that nobody repeats, strays that renew a wait, refusals."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.rule import Finding, explains
from grader.verdict.words import counted

_MILLISECOND = 1_000_000
#: What rounding and a late wake-up may add to a wait (nanoseconds).
TOLERANCE = 20 * _MILLISECOND
#: Failures of a program that is not where it should be at that time.
OUT_OF_TIME = ("hang", "unmet", "slow", "late", "early", "outcome", "surplus")
#: Bytes of the id before a question, and before its answer.
_ID = 2
_RECVERR = ("IP_RECVERR", "25")  # IPV6_RECVERR is 25, which has no name here


def of_datagrams(evidence: Evidence, run: Run) -> list[Call]:
    """The calls of a run that have sent or received on a datagram socket."""
    numbers = {id(c) for life in evidence.descriptors if life.has_datagrams for c in life.calls}
    return [c for c in evidence.during(run) if id(c) in numbers and (c.any_of("send") or c.any_of("recv"))]


def sent_in(calls: list[Call]) -> list[Call]:
    return [c for c in calls if c.any_of("send") and c.done and not c.failed]


def may_wait(evidence: Evidence, run: Run) -> list[Call]:
    """The calls of a run that wait for a datagram."""
    return [c for c in evidence.during(run) if c.patience or (not c.done and (c.any_of("wait") or c.any_of("recv")))]


def _since(call: Call, other: Call) -> str:
    """The script's time between two calls, in words."""
    return f"{(other.entered - call.left) // _MILLISECOND / 1000:.3g} s"


@explains
def sent_once(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A datagram is lost, and nobody sends it again (M95)."""
    run = evidence.run
    if failure.kind not in OUT_OF_TIME or run is None or run.endless:
        return
    moved = of_datagrams(evidence, run)
    sent = sent_in(moved)
    if not sent or moved[0].any_of("recv"):
        return  # the other side speaks first
    last, gaps = sent[-1], ("no-retry", "no-retransmit")
    page = "raw(7)" if evidence.life(last).is_raw else "udp(7)"
    waits = [c for c in may_wait(evidence, run) if c.index > last.index]
    endless = next((c for c in waits if not c.done and not c.patience), None)
    if endless is not None and evidence.time_limit:
        yield Finding(
            endless.index, (*gaps, "silent-hop-hangs"),
            f"{evidence.place(endless)} {endless.name}() waits without a time limit, and what was sent at "
            f"{evidence.place(last)} may be lost",
            (endless, last), page,
        )  # fmt: skip
        return
    over = last.left + evidence.time_limit
    again = next((c for c in waits if c.entered > over - TOLERANCE and c.gives_up_at > over + TOLERANCE), None)
    if evidence.time_limit and again is not None and [c.payload for c in sent].count(last.payload) == 1:
        yield Finding(
            again.index, gaps,
            f"{evidence.place(again)} {again.name}() waits on after {_since(last, again)}, and nothing is sent again; "
            f"it was sent once, at {evidence.place(last)}",
            (again, last), page,
        )  # fmt: skip


@explains
def another_id(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Each request has an id of its own, or a socket of its own: an answer to the one
    before is nobody's."""
    run = evidence.run
    if failure.kind not in (*OUT_OF_TIME, "bytes") or run is None:
        return
    for before, again in itertools.pairwise(sent_in(of_datagrams(evidence, run))):
        first, second = evidence.life(before), evidence.life(again)
        if len(before.payload) != len(again.payload) or before.payload[2:] != again.payload[2:]:
            continue
        if first is second and before.payload != again.payload:
            yield Finding(
                again.index, ("late-answer",),
                f"{evidence.place(again)} the request is sent again with another id: an answer to the one before "
                "will not be known for one",
                (again, before), "udp(7)", particular=True,
            )  # fmt: skip
            return
        if first is not second and goes_to(evidence, before) == goes_to(evidence, again):
            yield Finding(
                again.index, ("late-answer",),
                f"{evidence.place(again)} the request is sent again from another socket: an answer to the one before "
                f"goes to {evidence.name_of(first)} of {evidence.place(first.made)}",
                (again, before), "udp(7)", particular=True,
            )  # fmt: skip
            return


def goes_to(evidence: Evidence, call: Call) -> tuple[str, int] | None:
    """The address that a datagram was sent to."""
    life = evidence.life(call)
    connects = [c for c in life.calls if c.name == "connect" and c.index < call.index]
    return call.address or (connects[-1].address if connects else None)


@explains
def renewed_wait(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A datagram that is not the awaited one, or EINTR, starts the wait again."""
    run, limit = evidence.run, evidence.time_limit
    if failure.kind not in OUT_OF_TIME or failure.kind == "surplus" or run is None or not limit:
        return  # nor does a longer wait explain what was sent too soon
    all_sent = sent_in(of_datagrams(evidence, run))
    for wait in may_wait(evidence, run):
        sent = [c for c in all_sent if c.index < wait.index]
        if not sent or not wait.patience or wait.gives_up_at < sent[-1].left + limit + TOLERANCE:
            continue
        between = [c for c in evidence.during(run) if sent[-1].index < c.index < wait.index and c.done]
        came = [c for c in between if (c.any_of("recv") and c.result >= 0) or c.errno == "EINTR"]
        if came and wait.entered < sent[-1].left + limit:
            what = "a signal" if came[-1].errno == "EINTR" else "a datagram that is not the awaited one"
            yield Finding(
                wait.index, ("restarted-clock",),
                f"{evidence.place(wait)} {wait.name}() may wait for {wait.patience / 1000:g} s, although "
                f"{_since(sent[-1], wait)} of the {limit / 1e9:g} s have passed: {what} has started the wait again",
                (wait, came[-1]), "clock_gettime(2)",
            )  # fmt: skip
            return


@explains
def sent_too_early(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The same is sent again although its time is not over."""
    run = evidence.run
    if failure.kind != "surplus" or run is None:
        return
    moved = of_datagrams(evidence, run)
    if not moved or moved[0].any_of("recv"):
        return  # the other side speaks first
    limit = evidence.time_limit
    for before, again in itertools.pairwise(sent_in(moved)):
        if before.payload == again.payload and not (limit and again.entered > before.left + limit - TOLERANCE):
            break
    else:
        return
    came = [c for c in moved if before.index < c.index < again.index and c.any_of("recv") and c.done]
    why, gaps = "", ()
    if came and came[-1].failed and came[-1].errno == "ECONNREFUSED":
        why, gaps = f", because of the refusal that {evidence.place(came[-1])} was told of", ("refused-is-fatal",)
    elif cut := [c for c in evidence.during(run) if before.index < c.index < again.index and c.errno == "EINTR"]:
        came = cut
        why = f", because a signal interrupted {cut[-1].name}() at {evidence.place(cut[-1])}, whose time was not up"
        gaps = ("interrupted-call",)
    elif came and came[-1].result >= 0:
        why, gaps = (
            f", because of the {counted(came[-1].result)} that came at {evidence.place(came[-1])}",
            ("resends-on-ack",),
        )
    when = f" when {_since(before, again)} of the {limit / 1e9:g} s have passed" if limit else ""
    yield Finding(
        again.index, gaps,
        f"{evidence.place(again)} sends the same again{when}{why}",
        (again, *came[-1:], before), "udp(7)",
    )  # fmt: skip


@explains
def empty_answer(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """An answer that is its id alone is taken for none."""
    run = evidence.run
    if failure.kind not in OUT_OF_TIME or run is None or run.endless:
        return
    moved, waits = of_datagrams(evidence, run), may_wait(evidence, run)
    came = [c for c in moved if c.any_of("recv") and c.done and not c.failed]
    if not came or came[0] is moved[0] or came[-1].result != _ID or came[-1].arg("length") == _ID:
        return  # the other side speaks first, or what came may have been longer
    last, life = came[-1], evidence.life(came[-1])
    sent = next((c for c in sent_in(moved) if c.payload[:_ID] == last.payload and evidence.life(c) is life), None)
    is_udp = life.family in (socket.AF_INET, socket.AF_INET6)
    if sent is not None and sent.index < last.index and is_udp and any(w.index > last.index for w in waits):
        yield Finding(
            last.index, (),
            f"{evidence.place(last)} {last.name}() brought an empty answer: the id that was sent at "
            f"{evidence.place(sent)}, and nothing behind it; the program waits for another",
            (last, sent), "udp(7)",
        )  # fmt: skip


@explains
def refusal_ignored(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A refusal is told, and the program waits on for an answer."""
    run = evidence.run
    if failure.kind not in OUT_OF_TIME or run is None or run.endless:
        return
    moved = of_datagrams(evidence, run)
    told = [c for c in moved if c.errno == "ECONNREFUSED"]
    waits = [c for c in may_wait(evidence, run) if told and c.index > told[-1].index]
    if told and waits and not any(c.index > told[-1].index for c in sent_in(moved)):
        yield Finding(
            waits[0].index, ("refused-is-silence",),
            f"{evidence.place(told[-1])} {told[-1].name}() told of ECONNREFUSED, and {evidence.place(waits[0])} "
            f"{waits[0].name}() waits for an answer all the same",
            (waits[0], told[-1]), "udp(7)", particular=True,
        )  # fmt: skip


def _asks_for_errors(call: Call) -> bool:
    """Whether a call has errors told to a socket that is not connected."""
    return call.name == "setsockopt" and call.option in _RECVERR


@explains
def not_told(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A socket that is not connected is not told of a refusal (M95)."""
    run = evidence.run
    if failure.kind not in OUT_OF_TIME or run is None or run.endless:
        return
    all_sent = sent_in(of_datagrams(evidence, run))
    for wait in may_wait(evidence, run):
        sent = [c for c in all_sent if c.index < wait.index]
        life = evidence.life(sent[-1]) if sent else None
        if life is None or any(c.name == "connect" or _asks_for_errors(c) for c in life.calls):
            continue
        if not any(c.any_of("recv") and c.done and not c.failed for c in life.calls):
            yield Finding(
                wait.index, ("refused-is-silence",),
                f"{evidence.place(wait)} {wait.name}() waits on {evidence.name_of(life)}, which was never connected: "
                "it would not be told of a refusal",
                (wait, sent[-1]), "udp(7)", particular=True,
            )  # fmt: skip
            return


@explains
def sent_too_late(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A wait is longer than the time after which the same is to be sent again."""
    run, limit = evidence.run, evidence.time_limit
    if failure.kind != "slow" or run is None or run.endless or not limit:
        return
    sent, waits = sent_in(of_datagrams(evidence, run)), may_wait(evidence, run)
    if not sent or not waits:
        return
    wait = waits[-1]
    if wait.index > sent[-1].index and wait.gives_up_at > sent[-1].left + limit + TOLERANCE:
        yield Finding(
            wait.index, (),
            f"{evidence.place(wait)} {wait.name}() may wait for {wait.patience / 1000:g} s; what was sent at "
            f"{evidence.place(sent[-1])} is to be sent again {limit / 1e9:g} s after that",
            (wait, sent[-1]), "udp(7)",
        )  # fmt: skip


@explains
def sent_too_often(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The time is up, and the same is sent once more."""
    run = evidence.run
    if failure.kind != "late" or run is None:
        return
    sent = sent_in(of_datagrams(evidence, run))
    times = [c.payload for c in sent].count(sent[-1].payload) if sent else 0
    since = [c for c in may_wait(evidence, run) if times and c.index > sent[-1].index]
    if times > 1 and len(since) == 1:
        yield Finding(
            sent[-1].index, (),
            f"{evidence.place(sent[-1])} the same is sent once more, {times} times in all; the time is up after "
            f"{times - 1}",
            (sent[-1],), "udp(7)",
        )  # fmt: skip
