"""Datagrams that are acknowledged: repeats, refusals, and who leaves too early."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator

from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, answer, explains, when_returned
from grader.verdict.rules.requests import OUT_OF_TIME, may_wait, of_datagrams, sent_in
from grader.verdict.words import counted

#: Bytes before the data: all that the end has, and an acknowledgement.
_HEAD = 2


@explains
def taken_for_its_own(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The acknowledgement of another datagram is taken for that of the last one, or
    the next one looks like the one before."""
    run = evidence.run
    if failure.kind not in (*OUT_OF_TIME, "bytes") or run is None:
        return
    moved = of_datagrams(evidence, run)
    if not moved or moved[0].any_of("recv"):
        return  # it acknowledges itself
    for before, again in itertools.pairwise(sent_in(moved)):
        came = [c for c in moved if before.index < c.index < again.index and c.any_of("recv") and c.result == _HEAD]
        if before.payload == again.payload or not came:
            continue
        if came[-1].payload[1:] != before.payload[1:_HEAD]:
            yield Finding(
                came[-1].index, ("old-ack",),
                f"{evidence.place(came[-1])} {came[-1].name}() got the acknowledgement of another datagram than the "
                f"one sent at {evidence.place(before)}, and the next is sent",
                (came[-1], again), "udp(7)", particular=True,
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
