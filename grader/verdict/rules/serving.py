"""Servers that go on for ever: what ends them, what they keep, how they wait."""

from __future__ import annotations

from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, connections, ended, explains, violation, when_returned
from grader.verdict.words import counted, others

#: What accept() reports of its listening socket itself; every other error passes.
FINAL = ("EBADF", "EINVAL", "ENOTSOCK", "EFAULT")
#: What lacks, when accept() fails with it, and will for a while.
_LACKING = ("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM")
#: What sending or receiving reports of a client that is gone.
_GONE = ("ECONNRESET", "EPIPE", "ECONNABORTED", "ETIMEDOUT", "ENOTCONN")


def _endless(evidence: Evidence) -> Iterator[tuple[Run, list[Call]]]:
    for run in evidence.runs:
        if run.endless:
            # the thread that the function runs in, and no other: what it did last is why it ended
            yield run, [call for call in evidence.during(run) if call.tid == evidence.pid]


def _last_words(calls: list[Call], *, failed: bool) -> Call | None:
    """The last call that was more than tidying up.

    Args:
        failed: whether the function has failed, for which no wait that has ended
            well is a reason.
    """
    tidy = ("close", "abandon", "shutdown", "freeaddrinfo", "epoll_ctl", "lstat", "stat", "unlink")
    words = (c for c in reversed(calls) if c.name not in tidy and not (failed and c.any_of("wait") and not c.failed))
    return next(words, None)


@explains
def stopped(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A server that has ended by itself: of an error, or of its first client."""
    for run, calls in _endless(evidence):
        last = _last_words(calls, failed=not run.succeeded)
        if not run.has_stopped or last is None:
            continue
        accepted = [c for c in calls if c.any_of("accept") and c.done and not c.failed]
        if last.failed and last.any_of("accept") and last.errno not in FINAL:
            yield Finding(
                last.index, ("dies-of-accept",),
                f"{evidence.place(last)} {last.name}() {ended(evidence, last)}, an error that passes, and "
                f"{answer(evidence, run)}",
                (last,), "accept(2), ERRORS",
            )  # fmt: skip
        elif last.failed and (last.any_of("send") or last.any_of("recv")) and last.errno in _GONE:
            yield Finding(
                last.index, ("dies-of-client", "dies-of-reset"),
                f"{evidence.place(last)} {last.name}() {ended(evidence, last)}, for its client is gone, and "
                f"{answer(evidence, run)}: the other clients are not",
                (last,), f"{last.name}(2), ERRORS" if last.name != "sendall" else "send(2), ERRORS",
            )  # fmt: skip
        elif run.succeeded and accepted and not last.failed:
            yield Finding(
                when_returned(run), ("one-client",),
                f"{evidence.place(accepted[-1])} {accepted[-1].name}() was not called again: {run.function}() "
                f"returned after {counted(len(accepted), 'client')}",
                (accepted[-1],), "listen(2), NOTES",
            )  # fmt: skip


@explains
def missed_eof(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """recv() has returned 0, and is called again, and again (M50)."""
    for life in connections(evidence):
        ends = [c for c in life.calls if c.any_of("recv") and c.done and c.result == 0 and c.args[0] > 0]
        if len(ends) > 2 and not any(c.injected for c in ends[:3]):
            first = ends[0]
            yield Finding(
                first.index, ("missed-eof", "ignored-hangup"),
                f"{evidence.place(first)} {first.name}() {ended(evidence, first)}, end-of-file, and was called over "
                "and over: nothing more will come",
                (first,), "recv(2), RETURN VALUE",
            )  # fmt: skip
            return


@explains
def connection_kept(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A connection at its end, left open while the server has gone on."""
    if failure.kind not in ("hang", "left-open", "stopped"):
        return
    for life in connections(evidence):
        if life.closed is not None:
            continue
        over = next((c for c in life.calls if c.any_of("recv") and c.done and _is_over(c)), None)
        later = over and next((c for c in evidence.calls if c.index > over.index and c.any_of("accept")), None)
        if later or (over and failure.kind == "left-open"):
            words = "at end-of-file" if over.result == 0 else f"gone ({over.errno})"
            yield Finding(
                over.index + 0.5, ("fd-leak",),
                f"the connection {evidence.name_of(life)} that {life.made.name}() returned at "
                f"{evidence.place(life.made)} is never closed, although its client is {words}",
                (life.made, over), "close(2)",
            )  # fmt: skip
            return


def _is_over(call: Call) -> bool:
    return call.result == 0 and call.args[0] > 0 if not call.failed else call.errno in _GONE


@explains
def short_echo(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A short count on a server's connection, and the rest never sent (M41)."""
    if failure.kind not in ("bytes", "hang"):
        return
    for life in connections(evidence):
        moves = [c for c in life.calls if c.any_of("send") or c.any_of("recv")]
        last = next((n for n in reversed(range(len(moves))) if moves[n].any_of("send")), None)
        if last is None:
            continue
        call, after = moves[last], moves[last + 1 :]
        if not (call.done and 0 < call.result < call.args[0]):
            continue
        if after and after[0].done and after[0].result != 0:
            continue  # it may read before it sends the rest
        if after or life.closed is not None:
            yield Finding(
                call.index, ("short-send",),
                f"{evidence.place(call)} {call.name}() took {call.result} of {counted(call.args[0])}, "
                f"and {others(call.args[0] - call.result)} never sent",
                (call,), "send(2), RETURN VALUE",
            )  # fmt: skip
            return


@explains
def accept_spin(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """accept() again and again while descriptors lack (M86)."""
    if failure.kind not in ("spins", "busy"):
        return
    calls = [c for c in evidence.calls if c.any_of("accept") and c.done]
    if len(calls) > 1 and any(c.errno not in _LACKING for c in calls[-10:]):
        return
    calls = [c for c in calls if c.errno in _LACKING]
    if len(calls) > 1:
        call = calls[0]
        yield Finding(
            call.index, ("accept-spin",),
            f"{evidence.place(call)} {call.name}() {ended(evidence, call)} and is called again at once, over and over, "
            "while the client stays in the backlog",
            (call,), "accept(2), ERRORS",
        )  # fmt: skip


@violation
def stale_length(evidence: Evidence) -> Iterator[Finding]:
    """accept()'s length argument is what the accept() before left in it (M28)."""
    if evidence.source.language != "c":
        return
    for life in evidence.descriptors:
        if not life.is_listening:
            continue
        calls = [c for c in life.calls if c.any_of("accept") and c.args[0] != -1]
        for call in calls:
            if call.failed and call.errno == "EINVAL" and not call.injected and call.args[0] < 0:
                yield Finding(
                    call.index, ("stale-addrlen", "small-sockaddr"),
                    f"{evidence.place(call)} {call.name}() failed with EINVAL: its address length was never set",
                    (call,), "accept(2)",
                )  # fmt: skip
                return
        first = calls[0] if calls else None
        for call in calls[1:]:
            if 0 <= call.args[0] < first.args[0]:
                yield Finding(
                    call.index, ("stale-addrlen", "small-sockaddr"),
                    f"{evidence.place(call)} {call.name}() is given an address length of {call.args[0]}, which the "
                    f"call before has left there; the first call was given {first.args[0]}",
                    (call,), "accept(2)",
                )  # fmt: skip
                return
