"""Datagrams that are acknowledged: repeats, refusals, and who leaves too early."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, answer, explains, when_returned
from grader.verdict.rules.requests import OUT_OF_TIME, TOLERANCE, goes_to, may_wait, of_datagrams, sent_in
from grader.verdict.words import counted

#: Bytes before the data: all that the end has, and an acknowledgement; and the most data.
_HEAD, _MOST = 2, 512
#: Types of datagrams, and bits.
_DATA, _ACKNOWLEDGEMENT, _BITS = b"\0", b"\1", (b"\0", b"\1")
#: What a socket is bound to that has every address of the machine.
_EVERY = ("0.0.0.0", "::")


@explains
def taken_for_its_own(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What is not the acknowledgement of the last datagram is taken for it, or the next
    one looks like the one before."""
    run = evidence.run
    if failure.kind not in (*OUT_OF_TIME, "bytes") or run is None:
        return
    moved = of_datagrams(evidence, run)
    if not moved or moved[0].any_of("recv"):
        return  # it acknowledges itself
    sent = sent_in(moved)
    for before, again in itertools.pairwise(sent):
        came = [c for c in moved if before.index < c.index < again.index and c.any_of("recv") and c.result >= 0]
        there = goes_to(evidence, before)
        if before.payload == again.payload or not came or goes_to(evidence, again) != there or not _is_data(before):
            continue
        heard = [c for c in came if _acknowledges(c, before) and c.address in (None, there)]
        got, gaps, what = came[-1], (), ""
        is_surplus = failure.kind == "surplus" and _is_surplus(evidence, sent, again)
        if is_surplus and heard and heard[-1].arg("length") == _HEAD:
            got = heard[-1]
            what = f"has room for {_HEAD} bytes: what is longer is cut to them, and looks like an acknowledgement"
        elif not heard and not _is_acknowledgement(got):
            what = f"got {counted(got.result)}, which are no acknowledgement, and the next datagram is sent"
        elif not heard and not _acknowledges(got, before):
            gaps, what = (
                ("old-ack",),
                f"got the acknowledgement of another datagram than the one sent at {evidence.place(before)}, and the "
                "next is sent",
            )
        elif not heard:
            what = "got an acknowledgement from another address than the one that was sent to, and the next is sent"
        if what:
            yield Finding(
                got.index, gaps, f"{evidence.place(got)} {got.name}() {what}", (got, again), "udp(7)",
                particular=bool(gaps),
            )  # fmt: skip
            return
        if again.payload[1:_HEAD] == before.payload[1:_HEAD]:
            yield Finding(
                again.index, ("no-sequence",),
                f"{evidence.place(again)} the next datagram is sent with the bit of the one before, as if it were a "
                "repeat",
                (again, before), "udp(7)", particular=True,
            )  # fmt: skip
            return


def _is_surplus(evidence: Evidence, sent: list[Call], call: Call) -> bool:
    """Whether it is this datagram that was not to come: there is none behind it but its
    repeats, and those were not sent too early."""
    since = [c for c in sent if c.index > call.index]
    too_early = [c for c in since if c.entered < call.left + evidence.time_limit - TOLERANCE]
    return not too_early and all(c.payload == call.payload for c in since)


@explains
def begun_again_elsewhere(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The first datagram has been acknowledged, and is sent to another address."""
    run = evidence.run
    if failure.kind not in (*OUT_OF_TIME, "bytes") or run is None:
        return
    moved = of_datagrams(evidence, run)
    sent = sent_in(moved)
    first = next(iter(sent), None)
    if first is None or not _is_data(first):
        return
    while first is not None:
        there = goes_to(evidence, first)
        again = next((c for c in sent if c.index > first.index and goes_to(evidence, c) != there), None)
        heard = [c for c in moved if again and first.index < c.index < again.index and _acknowledges(c, first)]
        if heard and again.payload == sent[0].payload:
            yield Finding(
                again.index, (),
                f"{evidence.place(again)} {again.name}() begins again at another address, although the first datagram "
                f"was acknowledged ({evidence.place(heard[0])})",
                (again, heard[0]), "udp(7)",
            )  # fmt: skip
            return
        first = again


def _acknowledges(call: Call, sent: Call) -> bool:
    """Whether a receive has brought the acknowledgement of what was sent."""
    return _is_acknowledgement(call) and call.payload[1:_HEAD] == sent.payload[1:_HEAD]


def _is_acknowledgement(call: Call) -> bool:
    """Whether a call has moved one."""
    is_whole = call.result == _HEAD == len(call.payload)
    return is_whole and call.payload[:1] == _ACKNOWLEDGEMENT and call.payload[1:] in _BITS


def _is_data(call: Call) -> bool:
    """Whether a call has moved a data datagram."""
    is_whole = _HEAD <= call.result <= _HEAD + _MOST
    return is_whole and call.payload[:1] == _DATA and call.payload[1:_HEAD] in _BITS


@explains
def answered_all_the_same(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What counts for nothing is acknowledged."""
    run = evidence.run
    if failure.kind != "surplus" or run is None:
        return
    moved = of_datagrams(evidence, run)
    sent = sent_in(moved)
    if not sent or not moved[0].any_of("recv") or not _is_acknowledgement(sent[-1]):
        return
    last = sent[-1]
    came = [c for c in moved if c.index < last.index and c.any_of("recv") and c.done and not c.failed]
    # one that has looked at several may acknowledge each of them
    meant = [n for n, c in enumerate(came) if c.payload[1:_HEAD] == last.payload[1:] and c.address == last.address]
    came = came[: meant[-1] + 1] if meant else came
    why = _why_it_counts_for_nothing(came)
    if not why and (run.raised or {}).get("errno") == errno.EMSGSIZE:
        why = "although there is no room for them"
    if why:
        yield Finding(
            last.index, (),
            f"{evidence.place(last)} {last.name}() acknowledges the {counted(came[-1].result)} that "
            f"{came[-1].name}() got at {evidence.place(came[-1])}, {why}",
            (last, came[-1]), "udp(7)",
        )  # fmt: skip


def _why_it_counts_for_nothing(received: list[Call]) -> str:
    """Why the last of these is not to be acknowledged; ``""`` for what it might be."""
    last = received[-1]
    if not _is_data(last):
        return "which are no data"
    if last.result == last.arg("length"):
        return f"which may have been more: there was room for {last.result}"
    heard = [c for c in received if _is_data(c)]
    first = next((c for c in heard if c.payload[1:_HEAD] == _BITS[0]), None)
    if first is None:
        return "before a first datagram with the bit 0 has come"
    if last.address != first.address:
        return "which come from another address than the first datagram"
    own = [c for c in heard if c.address == first.address and c.index >= first.index]
    end = next((c for c in own[:-1] if c.result == _HEAD), None)
    if end is not None and last.payload != end.payload:
        return "although the end had come, and they are no repeat of it"
    return ""


@explains
def last_not_waited_for(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The time is up as soon as the last datagram is sent."""
    run, limit = evidence.run, evidence.time_limit
    raised = run.raised if run else None
    if failure.kind not in OUT_OF_TIME or not raised or raised["errno"] not in (errno.ETIMEDOUT, 0) or not limit:
        return
    sent = sent_in(of_datagrams(evidence, run))
    copies = [c for c in sent if c.payload == sent[-1].payload and evidence.life(c) is evidence.life(sent[-1])]
    if len(copies) > 1 and not [c for c in may_wait(evidence, run) if c.index > sent[-1].index]:
        yield Finding(
            sent[-1].index, (),
            f"{evidence.place(sent[-1])} {sent[-1].name}() sends the same once more, {len(copies)} times in all, and "
            f"{answer(evidence, run)} at once: its acknowledgement is not waited for",
            (sent[-1],), "udp(7)",
        )  # fmt: skip


@explains
def connected_to_the_first(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A socket of every local address is connected to its sender, and has one then."""
    run = evidence.run
    if failure.kind != "hang" or run is None or run.endless:  # of a server: it hears one peer alone
        return
    moved = of_datagrams(evidence, run)
    if not any(not c.done and (c.any_of("wait") or c.any_of("recv")) for c in evidence.during(run)):
        return
    for life in evidence.descriptors:
        bind, connect = life.succeeded("bind"), life.succeeded("connect")
        if not life.has_datagrams or bind is None or connect is None or connect.index < max(bind.index, run.first):
            continue
        own = [c for c in moved if evidence.life(c) is life and c.done and not c.failed]
        has_answered = any(c.any_of("send") for c in own)
        is_deaf = not any(c.any_of("recv") and c.index > connect.index for c in own)
        if bind.address and bind.address[0] in _EVERY and has_answered and is_deaf:
            yield Finding(
                connect.index, (),
                f"{evidence.place(connect)} connect() gives {evidence.name_of(life)} one local address: what is sent "
                "to another address of this machine is not heard any more",
                (connect, bind), "connect(2), DESCRIPTION",
            )  # fmt: skip


@explains
def repeat_unanswered(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What has come before comes again, and is not acknowledged again (M98)."""
    run = evidence.run
    if failure.kind not in OUT_OF_TIME or run is None:
        return
    moved = of_datagrams(evidence, run)
    came = [c for c in moved if c.any_of("recv") and c.done and not c.failed]
    if len(came) < 2 or any(c.any_of("send") and c.index > came[-1].index for c in moved):
        return
    last = came[-1]
    before = next((c for c in came[:-1] if (c.payload, c.result) == (last.payload, last.result)), None)
    if before is not None and any(c.any_of("send") and before.index < c.index < last.index for c in moved):
        yield Finding(
            last.index, ("last-ack-lost", "silent-duplicate") if last.result == _HEAD else ("silent-duplicate",),
            f"{evidence.place(last)} {last.name}() got the same {counted(last.result)} once more, and nothing was "
            "sent: whoever repeats a datagram has not heard that it has come",
            (last, before), "udp(7)", particular=True,
        )  # fmt: skip


@explains
def refusal_is_fatal(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A refusal ends everything, where the other side may be about to start."""
    run = evidence.run
    raised = run.raised if run else None
    if failure.kind not in OUT_OF_TIME or not raised or raised["errno"] != errno.ECONNREFUSED:
        return
    told = [c for c in of_datagrams(evidence, run) if c.errno == "ECONNREFUSED"]
    if told:
        yield Finding(
            told[-1].index, ("refused-is-fatal",),
            f"{evidence.place(told[-1])} {told[-1].name}() told of ECONNREFUSED, and {answer(evidence, run)} at once",
            (told[-1],), "udp(7)", particular=True,
        )  # fmt: skip


@explains
def left_with_the_last(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The last datagram is acknowledged, and nobody stays for its repeats."""
    run = evidence.run
    if failure.kind != "unmet" or run is None or not run.succeeded or run.endless:
        return
    sent = sent_in(of_datagrams(evidence, run))
    if sent and not [c for c in may_wait(evidence, run) if c.index > sent[-1].index]:
        last = sent[-1]
        yield Finding(
            when_returned(run), ("last-ack-lost",),
            f"{evidence.place(last)} {last.name}() acknowledges the last datagram, and {answer(evidence, run)} at "
            "once: nobody hears the repeat that comes if this is lost",
            (last,), "udp(7)", particular=True,
        )  # fmt: skip
