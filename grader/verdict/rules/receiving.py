"""Receiving: where a reply ends, errors that look like its end, buffers."""

from __future__ import annotations

from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, answer, ended, explains
from grader.verdict.words import counted


@explains
def one_recv(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """One recv() taken for the whole reply (M46)."""
    if failure.kind not in ("outcome", "unmet", "success"):
        return
    for run in evidence.runs:
        received = [c for c in evidence.during(run) if c.any_of("recv") and c.done]
        if not received or not run.succeeded or run.takes or run.endless:
            continue
        last = received[-1]
        if last.fd in evidence.lent or evidence.is_of_datagrams(last):
            continue  # the caller's connection need not be read to its end, and a datagram has none
        if last.result > 0 and not last.failed:
            short = failure.difference
            left = len(short.expected) - len(short.actual) if short else 0
            more = f"the reply had {counted(left)} more" if left > 0 else "end-of-file had not come"
            yield Finding(
                last.index, ("one-recv", "unread-reply"),
                f"{evidence.place(last)} {last.name}() returned {counted(last.result)} and was never called again; "
                f"{more}",
                (last,), "recv(2), RETURN VALUE",
            )  # fmt: skip


@explains
def missed_error(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """recv() failed, and the part that had come before is called the reply."""
    if failure.kind not in ("success", "outcome"):
        return
    for run in evidence.runs:
        received = [c for c in evidence.during(run) if c.any_of("recv")]
        for call in received:
            # EAGAIN of a socket that does not block is a reason to wait
            at_limit = call.errno == "EAGAIN" and call.injected and call is received[-1]
            broken = call.failed and (at_limit or call.errno not in ("EINTR", "EAGAIN"))
            if broken and run.succeeded:
                yield Finding(
                    call.index, ("missed-error",),
                    f"{evidence.place(call)} {call.name}() {ended(evidence, call)}, and {answer(evidence, run)}",
                    (call,), "recv(2), RETURN VALUE",
                )  # fmt: skip
                return


@explains
def unasked_end(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The connection was reset, and recv(), which would have said so, was not
    called again: a hang-up taken for the end (M57)."""
    run = evidence.run
    if failure.kind != "success" or "ECONNRESET" not in failure.errors or run is None or run.endless:
        return
    calls = [c for c in evidence.during(run) if c.any_of("recv") or c.any_of("wait")]
    last = calls[-1] if calls else None
    if last is not None and last.any_of("wait") and last.done and last.result > 0:
        yield Finding(
            last.index, ("missed-error",),
            f"{evidence.place(last)} the connection was reset; {last.name}() reported it, no recv() asked why, and "
            f"{answer(evidence, run)}",
            (last,), "poll(2), POLLHUP",
        )  # fmt: skip


@explains
def asked_for_nothing(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """recv() of 0 bytes on the caller's socket: its 0 says nothing (M52)."""
    if failure.kind not in ("success", "outcome"):
        return
    for run in evidence.runs:
        for call in evidence.during(run):
            asks = call.any_of("recv") and call.fd in evidence.lent and call.args[0] == 0 and not run.takes
            if asks and call.done and call.result == 0:
                yield Finding(
                    call.index, (),
                    _asked_without_room(evidence, call),
                    (call,), "recv(2), RETURN VALUE",
                )  # fmt: skip
                return


def _asked_without_room(evidence: Evidence, call: Call) -> str:
    return (
        f"{evidence.place(call)} {call.name}() was asked for 0 bytes, with no room left; the 0 that it returned is "
        "not end-of-file"
    )


@explains
def time_limit_ignored(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The caller's time limit runs out, and the call is made again."""
    if failure.kind not in ("success", "outcome") or "EAGAIN" not in failure.errors:
        return
    for run in evidence.runs:
        calls = evidence.during(run)
        for number, call in enumerate(calls):
            again = next((c for c in calls[number + 1 :] if c.name == call.name and c.fd == call.fd), None)
            if call.errno == "EAGAIN" and call.injected and again is not None:
                yield Finding(
                    call.index, ("retried-time-limit",),
                    f"{evidence.place(call)} {call.name}() {ended(evidence, call)}, the end of the caller's time "
                    "limit, and was called again",
                    (call, again), "socket(7), SO_RCVTIMEO",
                )  # fmt: skip
                return


@explains
def lost_at_an_interruption(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What had come before EINTR is not in what is returned after it (M62)."""
    difference = failure.difference
    if failure.kind != "outcome" or difference is None or not difference.expected.endswith(difference.actual):
        return
    run, before = evidence.runs[-1], 0
    missing = len(difference.expected) - len(difference.actual)
    for call in (c for c in evidence.during(run) if c.any_of("recv") and c.done):
        if call.errno == "EINTR" and before == missing > 0:
            yield Finding(
                call.index, ("interrupted-call",),
                f"{evidence.place(call)} {call.name}() was interrupted (EINTR), and the {counted(before)} that had "
                "come before it are lost",
                (call,), "signal(7), Interruption of system calls",
            )  # fmt: skip
            return
        before += max(call.result, 0)


@explains
def another_error(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """recv() failed, and the function reports an error that no call had."""
    if failure.kind != "outcome":
        return
    for run in evidence.runs:
        raised = run.raised
        received = [c for c in evidence.during(run) if c.any_of("recv")]
        if not raised or not received or evidence.source.language != "c":
            continue
        last = received[-1]
        if last.failed and last.errno != "EINTR" and raised["errno"] not in {c.error for c in evidence.during(run)}:
            yield Finding(
                last.index, ("missed-error",),
                f"{evidence.place(last)} {last.name}() {ended(evidence, last)}, and {answer(evidence, run)}",
                (last,), "recv(2), RETURN VALUE",
            )  # fmt: skip


@explains
def small_buffer(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A full buffer taken for the end of the reply (M52)."""
    if failure.kind not in ("success", "outcome"):
        return
    for run in evidence.runs:
        received = [c for c in evidence.during(run) if c.any_of("recv") and c.done and not c.failed]
        if not received or not run.succeeded or run.takes or run.endless:
            continue
        last = received[-1]
        if last.fd in evidence.lent or evidence.is_of_datagrams(last):
            continue
        if last.result == 0 and last.args[0] == 0:
            yield Finding(
                last.index, ("small-buffer",),
                _asked_without_room(evidence, last),
                (last,), "recv(2), RETURN VALUE",
            )  # fmt: skip
        elif last.result > 0 and "EMSGSIZE" in failure.errors:
            yield Finding(
                last.index, ("small-buffer",),
                f"{evidence.place(last)} {last.name}() filled the buffer; the rest of the reply was left unread, and "
                f"{answer(evidence, run)}",
                (last,), "recv(2), RETURN VALUE",
            )  # fmt: skip


@explains
def unchecked_argument(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A null pointer with a length is left to the kernel to find."""
    run = evidence.run
    if run is None or not run.null or not {"EINVAL", "ValueError"}.intersection(failure.errors):
        return
    calls = [c for c in evidence.during(run) if c.errno == "EFAULT"]
    if calls:
        yield Finding(
            calls[0].index, ("unchecked-argument",),
            f"{evidence.place(calls[0])} {calls[0].name}() was given the NULL pointer; the contract refuses it "
            "with EINVAL before any call",
            (calls[0],), "errno(3), EINVAL",
        )  # fmt: skip
