"""Receiving: where a reply ends, errors that look like its end, buffers."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rules import Finding, explains
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
        if last.fd in evidence.lent:
            continue  # the caller's connection: the function need not read to its end
        if last.result > 0 and not last.failed:
            count = "one" if len(received) == 1 else f"{len(received)}"
            yield Finding(
                last.index, ("one-recv", "unread-reply"),
                f"{evidence.place(last)} {last.name}() returned {counted(last.result)}, and {run.function}() took "
                f"that for the whole: it stopped after {count} of them, before end-of-file",
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
                    f"{evidence.place(call)} {call.name}() failed with {call.errno}, and {run.function}() "
                    "reported success",
                    (call,), "recv(2), RETURN VALUE",
                )  # fmt: skip
                return


@explains
def another_error(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """recv() failed, and the function reports an error that no call had."""
    if failure.kind != "outcome":
        return
    for run in evidence.runs:
        raised = (run.outcome or {}).get("raised")
        received = [c for c in evidence.during(run) if c.any_of("recv")]
        if not raised or not received or evidence.source.language != "c":
            continue
        last = received[-1]
        if last.failed and last.errno != "EINTR" and raised["errno"] not in {c.error for c in evidence.during(run)}:
            reported = errno.errorcode.get(raised["errno"], "another error")
            yield Finding(
                last.index, ("missed-error",),
                f"{evidence.place(last)} {last.name}() failed with {last.errno}, "
                f"and {run.function}() reported {reported}",
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
        if last.fd in evidence.lent:
            continue
        if last.result == 0 and last.args[0] == 0:
            yield Finding(
                last.index, ("small-buffer",),
                f"{evidence.place(last)} {last.name}() was called with no room left and returned 0, which was taken "
                "for end-of-file",
                (last,), "recv(2), RETURN VALUE",
            )  # fmt: skip
        elif last.result > 0 and "EMSGSIZE" in failure.errors:
            yield Finding(
                last.index, ("small-buffer",),
                f"{evidence.place(last)} {last.name}() filled the buffer, and the rest of the reply was left unread "
                "without an error",
                (last,), "recv(2), RETURN VALUE",
            )  # fmt: skip


@explains
def unchecked_argument(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A null pointer with a length is left to the kernel to find."""
    run = evidence.runs[-1] if evidence.runs else None
    if run is None or not run.null or not {"EINVAL", "ValueError"}.intersection(failure.errors):
        return
    calls = [c for c in evidence.during(run) if c.errno == "EFAULT"]
    if calls:
        yield Finding(
            calls[0].index, ("unchecked-argument",),
            f"{evidence.place(calls[0])} {calls[0].name}() was given the null pointer; the contract says EINVAL "
            "before anything is done",
            (calls[0],), "errno(3), EINVAL",
        )  # fmt: skip
