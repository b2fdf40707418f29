"""Descriptors that are passed: what travels beside a byte, and what comes of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, explains
from grader.verdict.words import counted

_INT = 4
#: What the end of a stream is told as.
_END = {"EOFError", "ENODATA"}
_HEADER, _ONE = socket.CMSG_LEN(0), socket.CMSG_LEN(_INT)


@explains
def no_data_byte(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A descriptor is sent beside no byte at all (M104)."""
    for call in evidence.calls:
        if call.name == "sendmsg" and call.passed and call.done and call.result == 0:
            yield Finding(
                call.index, ("no-data-byte",),
                f"{evidence.place(call)} sendmsg() sends 0 bytes, and so the descriptor beside them goes nowhere",
                (call,), "unix(7), Ancillary messages",
            )  # fmt: skip


@explains
def wrongly_sent(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What arrives is not one byte with one descriptor (M105)."""
    run = evidence.run
    if failure.kind != "descriptors" or run is None:
        return
    opened = {n: c for c in evidence.calls if c.name in ("open", "fopen") for n in c.made}
    for sent in (c for r in evidence.runs for c in evidence.during(r) if c.any_of("send") and c.result > 0):
        gaps, read = (), "unix(7), SCM_RIGHTS"
        if not sent.passed and not sent.control:
            gaps = ("number-not-descriptor",)
            what = f"sends {counted(sent.result)} and no descriptor: a number means nothing in another process"
        elif not sent.passed:
            what = "has a control message that is none of SOL_SOCKET and SCM_RIGHTS: the byte goes alone"
        elif sent.result > 1:
            what, read = f"sends {counted(sent.result)} with the descriptor; expected 1", "unix(7), Ancillary messages"
        elif opened.keys() & set(sent.passed):
            made = next(opened[number] for number in sent.passed if number in opened)
            what = f"sends what {made.name}() at {evidence.place(made)} has opened anew, and not the open file"
            read = "open(2), Open file descriptions"
        else:
            continue
        yield Finding(sent.index, gaps, f"{evidence.place(sent)} {sent.name}() {what}", (sent,), read)
        return


@explains
def number_returned(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A number that has come as data is taken for a descriptor (M105)."""
    run = evidence.run
    if failure.kind not in ("not-open", "another-file") or run is None:
        return
    number, brought = _returned(run), _brought(evidence, run)
    if brought and number not in brought[-1].passed and number in (*brought[-1].payload, 0):
        call = brought[-1]
        decided = replace(call, line=run.decided.line) if run.decided else call
        yield Finding(
            call.index, ("number-not-descriptor",),
            f"{evidence.place(decided)} {run.function}() returned {number}, which came as data; recvmsg() at "
            f"{evidence.place(call)} has brought descriptor {call.passed[0]}",
            (decided, call), "unix(7), SCM_RIGHTS",
        )  # fmt: skip


@explains
def closed_and_returned(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The descriptor that is returned has been closed."""
    run = evidence.run
    if failure.kind != "not-open" or run is None:
        return
    for call in evidence.during(run):
        if call.name == "close" and call.fd == _returned(run) and not call.failed:
            sentence = f"{evidence.place(call)} closes descriptor {call.fd}, which {run.function}() returns"
            yield Finding(call.index, (), sentence, (call,), "close(2)")
            return


@explains
def brought_in_vain(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A descriptor has come, and an error is reported."""
    run = evidence.run
    if failure.kind != "outcome" or run is None or run.raised is None:
        return
    for call in _brought(evidence, run)[-1:]:
        beside = f"the byte 0x{call.payload[0]:02x}"
        if call.arg("received") & socket.MSG_CTRUNC:
            beside += " and MSG_CTRUNC"
        yield Finding(
            call.index, (),
            f"{evidence.place(call)} recvmsg() has brought descriptor {call.passed[0]} beside {beside}, and "
            f"{answer(evidence, run)}",
            (call,), "unix(7), SCM_RIGHTS",
        )  # fmt: skip


@explains
def no_room_for_descriptors(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A byte is taken without room for what comes beside it (M105)."""
    run = evidence.run
    if failure.kind not in ("outcome", "not-open") or run is None:
        return
    for call in evidence.during(run):
        if not (call.any_of("recv") and call.done and call.result > 0) or call.passed or call.only_looks:
            continue
        if call.name != "recvmsg":
            how = f"{call.name}() has no room for control messages: a descriptor that comes with the byte is lost"
        elif call.arg("room") < _ONE and call.arg("received") & socket.MSG_CTRUNC:
            how = (
                f"recvmsg() has room for {counted(call.arg('room'))} of control messages; the header of one takes "
                f"{_HEADER}, and the descriptor {_INT} more"
            )
        else:
            continue
        yield Finding(
            call.index, ("small-control",),
            f"{evidence.place(call)} {how}",
            (call,), "cmsg(3)", particular=True,
        )  # fmt: skip
        return


@explains
def ignored_truncation(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A descriptor that was dropped for want of a number is told as one never sent."""
    run = evidence.run
    if failure.kind not in ("outcome", "success") or "EMFILE" not in failure.errors or run is None:
        return
    for call in evidence.during(run):
        if call.name == "recvmsg" and call.done and not call.passed and call.arg("received") & socket.MSG_CTRUNC:
            yield Finding(
                call.index, ("ignored-truncation",),
                f"{evidence.place(call)} recvmsg() set MSG_CTRUNC: a descriptor came, and there was no number free "
                f"for it; {answer(evidence, run)}",
                (call,), "recvmsg(2), MSG_CTRUNC",
            )  # fmt: skip
            return


@explains
def inherited_on_exec(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A received descriptor is not closed on exec."""
    run = evidence.run
    if failure.kind != "inherited" or run is None:
        return
    for call in _brought(evidence, run):
        if not call.arg("flags") & socket.MSG_CMSG_CLOEXEC:
            yield Finding(
                call.index, ("inherited-on-exec",),
                f"{evidence.place(call)} recvmsg() without MSG_CMSG_CLOEXEC has brought descriptor "
                f"{call.passed[0]}, and a program that is executed would inherit it",
                (call,), "recvmsg(2), MSG_CMSG_CLOEXEC",
            )  # fmt: skip
            return


@explains
def end_without_descriptor(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """End-of-file is told as a byte without a descriptor."""
    run = evidence.run
    if failure.kind not in ("outcome", "success") or run is None or not _END.intersection(failure.errors):
        return
    received = [c for c in evidence.during(run) if c.name == "recvmsg" and c.done and c.arg("room") > 0]
    if received and received[-1].result == 0 and received[-1].arg("length") > 0:
        call = received[-1]
        shown = 'b""' if evidence.source.language == "python" else "0"
        yield Finding(
            call.index, ("missed-eof",),
            f"{evidence.place(call)} {call.name}() returned {shown}, end-of-file, and {answer(evidence, run)}",
            (call,), "recvmsg(2), RETURN VALUE",
        )  # fmt: skip


def _brought(evidence: Evidence, run: Run) -> list[Call]:
    """The calls of a run that have brought descriptors."""
    return [c for c in evidence.during(run) if c.name == "recvmsg" and c.done and c.passed]


def _returned(run: Run) -> int:
    """The number that a function has returned; -1 if it has returned none."""
    value = (run.outcome or {}).get("returned")
    number = value.get("descriptor") if isinstance(value, dict) else value
    return number if type(number) is int else -1
