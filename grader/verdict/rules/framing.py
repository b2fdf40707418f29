"""Parts of a stream: a count, a header, a payload, and the edges between them.

These rules know how many bytes a function is to take (`Run.takes`), so they can
tell a short read from a whole part and a part from what follows it.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, ended, explains, violation
from grader.verdict.words import counted

_WRONG = ("outcome", "unmet", "success", "broke", "hang", "busy", "died", "memory")
#: Exceptions of programs that have too few bytes; `error` is that of `struct`.
_ANSWERS = ("EOFError", "ValueError", "IndexError", "error")
#: Bytes of a length that stands before a payload.
_HEADER = 4
#: errnos of a call that may be made again, or that the caller's time limit gives.
_NOT_BROKEN = ("EINTR", "EAGAIN")


def _receives(evidence: Evidence, run: Run) -> list[Call]:
    """The receiving calls of a run, those under way included, without peeks."""
    return [c for c in evidence.during(run) if c.any_of("recv") and not c.only_looks]


def _taking(evidence: Evidence) -> Iterator[tuple[Run, list[tuple[int, Call]]]]:
    """Each run whose parts are known, with its receiving calls and the number
    of bytes that it had taken before each."""
    for run in evidence.runs:
        if run.takes:
            calls = _receives(evidence, run)
            moved = (c.result if c.done and c.result > 0 else 0 for c in calls)
            yield run, list(zip(itertools.accumulate(moved, initial=0), calls, strict=False))


def _part(run: Run, position: int) -> tuple[int, int, int]:
    """The part of what a run takes that a position lies in: number, start, end."""
    start = 0
    for number, size in enumerate(run.takes):
        if position < start + size:
            return number, start, start + size
        start += size
    return len(run.takes), start, start


def _gaps(run: Run, number: int) -> tuple[str, ...]:
    if len(run.takes) == 1:
        return "one-recv", "header-one-recv"
    return ("header-one-recv",) if number == 0 else ("payload-one-recv",)


def _named(run: Run, number: int) -> str:
    """What a part is called in sentences."""
    if len(run.takes) == 1:
        return ""
    return " of the header" if number == 0 else " of the payload"


def _has_answered(run: Run) -> bool:
    """Whether the function came to an answer, if only to an error about what it
    had received; a mistake of another kind ends a program anywhere."""
    if run.outcome is None:
        return False
    raised = run.outcome.get("raised")
    return raised is None or raised["class"] in _ANSWERS or "OSError" in raised["bases"]


@explains
def one_recv(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """One recv() taken for a whole part (M46)."""
    if failure.kind not in _WRONG:
        return
    for run, calls in _taking(evidence):
        for (before, call), following in itertools.zip_longest(calls, calls[1:]):
            if not call.done or call.result <= 0:
                continue
            position = before + call.result
            number, start, end = _part(run, before)
            if not start < position < end:
                continue
            if following is None and not _has_answered(run):
                continue
            if following is not None and (
                number == len(run.takes) - 1 or call.args[0] != end - before or following[1].args[0] <= end - position
            ):
                continue  # it goes on with this part, or asks for too much: `over_read`
            yield Finding(
                call.index, _gaps(run, number),
                f"{evidence.place(call)} {call.name}() returned {call.result} of the {counted(end - before)}"
                f"{_named(run, number)}, and was not called for the other {end - position}",
                (call,), "recv(2), RETURN VALUE",
            )  # fmt: skip
            break


@violation
def over_read(evidence: Evidence) -> Iterator[Finding]:
    """What follows is taken along, be it kept for the next call: it is still the
    connection's, which others may read."""
    for run, calls in _taking(evidence):
        for position, call in calls:
            missing = sum(run.takes) - position
            took = call.result if call.done else 0
            if took > missing >= 0 and _is_lent(evidence, call):
                rest = took - missing
                yield _asked_for_more(
                    evidence, call, missing,
                    f"it took {took}, and {'the last one belongs' if rest == 1 else f'the last {rest} belong'} to "
                    "whoever reads next",
                )  # fmt: skip
                break


def _is_lent(evidence: Evidence, call: Call) -> bool:
    """Whether a call is on a descriptor of the caller's, or on a duplicate of one."""
    life = evidence.life(call)
    return life is not None and (life.made is None or life.made.name in ("dup", "dup2", "fcntl"))


@explains
def beyond_its_room(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """More is asked for than is missing, and than there is room for."""
    if failure.kind != "memory":
        return
    for run, calls in _taking(evidence):
        for position, call in calls:
            missing = sum(run.takes) - position
            if call.args[0] > missing >= 0 and not call.done:
                yield _asked_for_more(evidence, call, missing, f"there was room for {missing}")
                break


def _asked_for_more(evidence: Evidence, call: Call, missing: int, rest: str) -> Finding:
    return Finding(
        call.index, ("over-read",),
        f"{evidence.place(call)} {call.name}() was asked for {counted(call.args[0])} when {missing} "
        f"{'was' if missing == 1 else 'were'} missing; {rest}",
        (call,), "recv(2)",
    )  # fmt: skip


@explains
def lost_offset(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Each piece put in the place of the one before it (M53)."""
    difference = failure.difference
    run = evidence.run
    if run is None or not run.takes or failure.kind != "outcome" or difference is None:
        return
    calls = [(at, call) for at, call in _taking_of(evidence, run) if call.done and call.result > 0]
    before = sum(run.takes[:-1])
    pieces = [call.payload for at, call in calls if at >= before]
    if len(pieces) < 2 or sum(map(len, pieces)) != run.takes[-1]:
        return  # or they are longer than what the trace keeps
    heap = b""
    for piece in pieces:
        heap = piece + heap[len(piece) :]
    actual, (at, last) = difference.actual, calls[-1]
    untouched = set(actual[len(heap) :])
    if actual.startswith(heap) and len(untouched) <= 1 and actual != difference.expected:
        yield Finding(
            last.index - 0.5, ("lost-offset",),
            f"{evidence.place(last)} {last.name}() put its {counted(last.result)} at the start of the buffer, over the "
            f"{at - before} that had come before",
            (last,), "recv(2)",
        )  # fmt: skip


def _taking_of(evidence: Evidence, run: Run) -> list[tuple[int, Call]]:
    return next(calls for other, calls in _taking(evidence) if other is run)


@explains
def missed_eof(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """End-of-file met again and again, and never noticed (M50)."""
    if failure.kind not in ("busy", "hang", "died"):
        return
    for run, calls in _taking(evidence):
        ends = [c for _, c in calls if c.done and c.result == 0 and c.args[0] > 0]
        if len(ends) > 1 and run.outcome is None:
            yield Finding(
                ends[0].index, ("missed-eof",),
                f"{evidence.place(ends[0])} {ends[0].name}() {ended(evidence, ends[0])}, end-of-file, and was called "
                "again: nothing more will come",
                (ends[0],), "recv(2), RETURN VALUE",
            )  # fmt: skip


@explains
def signed_compare(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The -1 of a failed recv() added to the number of bytes (M51)."""
    for _run, calls in _taking(evidence):
        for (_, call), (_, again) in itertools.pairwise(calls):
            if not call.failed or call.name != again.name or call.name not in ("recv", "recvfrom", "read"):
                continue
            if again.args[0] == call.args[0] + 1 and again.args[2] == call.args[2] - 1:
                yield Finding(
                    call.index, ("signed-compare",),
                    f"{evidence.place(call)} {call.name}() failed with {call.errno}, and its -1 was added to the "
                    "count of bytes",
                    (call,), "recv(2), RETURN VALUE",
                )  # fmt: skip
                return


@explains
def missed_error(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """recv() failed, and the caller is told of an end instead."""
    if failure.kind not in ("outcome", "success"):
        return
    for run, calls in _taking(evidence):
        raised = run.raised
        is_the_end = raised is not None and "EOFError" in raised["bases"]
        broken = next((c for _, c in calls if c.failed and c.errno not in _NOT_BROKEN), None)
        if broken is not None and is_the_end:
            yield Finding(
                broken.index, ("missed-error",),
                f"{evidence.place(broken)} {broken.name}() {ended(evidence, broken)}, and {answer(evidence, run)}",
                (broken,), "recv(2), ERRORS",
            )  # fmt: skip


@explains
def host_order_length(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A length in the machine's own byte order (M67)."""
    for run in evidence.runs:
        message = run.message or b""
        calls = [c for c in evidence.during(run) if c.any_of("send") and c.done and c.result > 0]
        sent = b"".join(c.payload[: c.result] for c in calls[:_HEADER])[:_HEADER]
        header = message[:_HEADER]
        length = len(message) - _HEADER
        if length >= 0 and header == length.to_bytes(_HEADER, "big") and sent == header[::-1] != header:
            yield Finding(
                calls[0].index, ("host-order-length",),
                f"{evidence.place(calls[0])} {calls[0].name}() sent the length {length} as {sent.hex(' ')}; "
                f"in network order it is {header.hex(' ')}",
                (calls[0],), "byteorder(3)",
            )  # fmt: skip
    for run, calls in _taking(evidence):
        if len(run.takes) < 2 or run.takes[0] != _HEADER:
            continue
        length = run.takes[1]
        swapped = int.from_bytes(length.to_bytes(_HEADER, "big"), "little")
        at, call = calls[-1] if calls else (0, None)
        # a buffer may happen to be as large; only this mistake waits for the rest of it
        if at == _HEADER + length and not call.done and call.args[0] == swapped - length > 0:
            yield Finding(
                call.index, ("host-order-length",),
                f"{evidence.place(call)} {call.name}() waits for {swapped} bytes, which is the length {length} with "
                "its bytes in the wrong order",
                (call,), "byteorder(3)",
            )  # fmt: skip


@explains
def waits_for_more(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Everything has come, and the program waits for more."""
    if failure.kind != "hang" or not evidence.runs or not evidence.runs[-1].takes:
        return
    run = evidence.runs[-1]
    calls = _taking_of(evidence, run)
    at, call = calls[-1] if calls else (0, None)
    if call is None or call.done or call.args[0] == 0 or at != sum(run.takes):
        return
    taken = "the one byte that it was to take has" if at == 1 else f"all {at} bytes have"
    gaps, words = (), f"waits for more, although {taken} come"
    if run.takes == (_HEADER,):  # the check lets nothing follow it: it is to be refused
        length = int.from_bytes(_first_bytes(calls), "big")
        # who asks for less may mean to throw it away
        gaps = ("unchecked-length",) if call.args[0] == length else ()
        words = f"waits for a message of {counted(length)}, which is over the limit: the length alone had to be refused"
    yield Finding(call.index, gaps, f"{evidence.place(call)} {call.name}() {words}", (call,), "recv(2)")


def _first_bytes(calls: list[tuple[int, Call]]) -> bytes:
    """What stands in the header that a run has taken."""
    return b"".join(call.payload[: call.result] for _, call in calls if call.done and call.result > 0)[:_HEADER]


@explains
def asks_for_nothing(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """recv() of 0 bytes, which waits like any other, and whose 0 says nothing (M52)."""
    if failure.kind not in ("hang", "outcome"):
        return
    for run, calls in _taking(evidence):
        for position, call in calls:
            if call.args[0] == 0 and position == sum(run.takes) and not (call.done and run.succeeded):
                how = "its 0 is not end-of-file" if call.done else "it waits for the peer all the same"
                yield Finding(
                    call.index, (),
                    f"{evidence.place(call)} {call.name}() was asked for 0 bytes when nothing was missing; {how}",
                    (call,), "recv(2), RETURN VALUE",
                )  # fmt: skip
                return


@explains
def cut_message(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """End-of-file inside a message, told as a clean end."""
    if failure.kind not in ("success", "outcome"):
        return
    for run, calls in _taking(evidence):
        total = sum(run.takes)
        if len(run.takes) < 2 or not run.succeeded or not calls:
            continue
        position, last = calls[-1]
        if last.done and last.result == 0 and last.args[0] > 0 and 0 < position < total:
            yield Finding(
                last.index, ("cut-message",),
                f"{evidence.place(last)} {last.name}() {ended(evidence, last)} after {counted(position)} of a message, "
                f"and {answer(evidence, run)}",
                (last,), "recv(2), RETURN VALUE",
            )  # fmt: skip


@explains
def empty_message(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A length of 0 taken for the end of the stream."""
    run = evidence.run
    if run is None or run.takes != (_HEADER, 0) or failure.kind != "outcome" or not run.succeeded:
        return
    calls = [call for _, call in _taking_of(evidence, run) if call.done and call.result > 0]
    if calls and run.outcome["returned"] is None:
        last = calls[-1]
        yield Finding(
            last.index, ("empty-message",),
            f"{evidence.place(last)} {last.name}() received the length 0, an empty message, and "
            f"{run.function}() reported the end of the stream",
            (last,), "recv(2), RETURN VALUE",
        )  # fmt: skip


@explains
def oversized(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Bytes are sent of what is to be refused."""
    run = evidence.run
    if run is None or run.null or not run.message:
        return
    raised = run.raised or {}
    refused = failure.kind == "bytes" and (raised.get("class") == "ValueError" or raised.get("errno") == errno.EINVAL)
    sent = next((c for c in evidence.during(run) if c.any_of("send")), None)
    if sent is None or not (refused or failure.gap == "oversized-message"):
        return
    words = f"{run.function}() then refused the whole" if refused else "the contract refuses it"
    yield Finding(
        sent.index, ("oversized-message",) if not refused else (),
        f"{evidence.place(sent)} {sent.name}() sent {counted(sent.result)} of a message of {len(run.message)}; {words}",
        (sent,), "send(2)",
    )  # fmt: skip


@explains
def refused_length(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A length is refused that the contract allows."""
    if failure.kind not in ("outcome", "unmet"):
        return
    for run, calls in _taking(evidence):
        raised = run.raised or {}
        refuses = raised.get("class") == "ValueError" or raised.get("errno") == errno.EMSGSIZE
        position = sum(call.result for _, call in calls if call.done and call.result > 0)
        if len(run.takes) == 2 and refuses and position == _HEADER and run.takes[1] > 0 and not failure.errors:
            last = calls[-1][1]
            yield Finding(
                last.index, (),
                f"{evidence.place(last)} the length {_first_bytes(calls).hex(' ')} has come, which is {run.takes[1]}, "
                f"and {answer(evidence, run)}",
                (last,), "byteorder(3)",
            )  # fmt: skip
