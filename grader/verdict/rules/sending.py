"""Sending: lengths, short counts, interruptions, a peer that is gone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, ended, explains, when_returned
from grader.verdict.words import counted, others

#: Failures of a program that has come through: what it has left, or not let go.
_AFTER_ALL = ("violation", "left-open", "left-thread", "left-signals", "lent-changed", "memory", "printed")
_MISSING = ("bytes", "outcome", "unmet", "success")


def _page(call: Call) -> str:
    """The man page of a call; sendall() is Python's loop around send()."""
    return f"{call.name.removesuffix('all')}(2)"


def _sent(evidence: Evidence, run: Run) -> list[Call]:
    """The sending calls of a run, without those that failed or were empty."""
    return [c for c in evidence.during(run) if c.any_of("send") and c.done and c.result > 0]


def _messages(evidence: Evidence) -> Iterator[tuple[Run, bytes, list[Call]]]:
    """Each run with what it was to send and what it sent; none of a server,
    which sends to more than one."""
    for run in evidence.runs:
        if run.endless:
            continue
        message = run.message if run.message is not None else evidence.message
        if message:
            yield run, message, _sent(evidence, run)


def _is_through(evidence: Evidence, run: Run, failure: Failure) -> bool:
    """Whether a run has sent all that it is going to send: it has succeeded, or
    waits for ever for an answer."""
    if failure.kind != "hang" or run.outcome is not None or run.endless:
        return run.succeeded
    return any(call.any_of("recv") for call in evidence.during(run) if not call.done)


@explains
def nothing_sent(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A function succeeds, and has sent nothing of what it was to send."""
    if failure.kind != "bytes":
        return
    for run, message, calls in _messages(evidence):
        if run.succeeded and not calls and not any(c.any_of("send") for c in evidence.during(run)):
            yield Finding(
                when_returned(run), (),
                f"{answer(evidence, run)}, and has sent nothing: {counted(len(message))} "
                f"{'was' if len(message) == 1 else 'were'} to go out",
            )  # fmt: skip


@explains
def wrong_length(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """send() asked for less than the message, and nothing more after it (M42, M43)."""
    if failure.kind not in (*_MISSING, "hang"):
        return
    for run, message, calls in _messages(evidence):
        if not calls or not _is_through(evidence, run, failure) or evidence.is_of_datagrams(calls[-1]):
            continue
        total, last = sum(c.result for c in calls), calls[-1]
        if total >= len(message) or last.result < last.args[0]:
            continue
        if any(c.result < c.args[0] for c in calls):
            continue  # a short count came before: another story
        asked = last.args[0] if len(calls) == 1 else total
        verb = "was asked for" if len(calls) == 1 else "calls were asked for"
        sentence = f"{evidence.place(last)} {last.name}() {verb} {counted(asked)} of a {len(message)}-byte message"
        zero = message.find(b"\0")
        arguments = ", ".join(evidence.source.arguments(last))
        gaps: tuple[str, ...] = ("hard-coded-length",)
        if asked == 8 and "sizeof" in arguments:
            sentence += ": sizeof a pointer is 8, whatever it points to"
        elif "strlen" in evidence.source.text and asked == zero:
            gaps, sentence = (), f"{sentence}: strlen() stops at the first zero byte"
        yield Finding(last.index, gaps, sentence, (last,), _page(last))


@explains
def short_send(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A short count taken for the whole, the first one or a later one (M41)."""
    if failure.kind not in (*_MISSING, "hang"):
        return
    for run, message, calls in _messages(evidence):
        if not _is_through(evidence, run, failure):
            continue
        position = 0
        for call, later in itertools.zip_longest(calls, calls[1:]):
            position += call.result
            if call.result == call.args[0]:
                continue
            if _goes_on(evidence, run, call, later, message, position):
                continue
            rest = call.args[0] - call.result if later else len(message) - position
            again = "" if call is calls[0] else ", as one before it had"
            yield Finding(
                call.index, ("short-send",),
                f"{evidence.place(call)} {call.name}() took {call.result} of {counted(call.args[0])}{again}, "
                f"and {others(rest)} never sent",
                (call,), "send(2), RETURN VALUE",
            )  # fmt: skip
            break


def _goes_on(evidence: Evidence, run: Run, call: Call, later: Call | None, message: bytes, position: int) -> bool:
    """Whether a program knows of a short count: it sends what is left, or what
    was sent before once more, or there is nothing left, or it tried and failed."""
    if later is not None:
        kept = later.payload[: later.result]
        return kept in (message[position : position + len(kept)], message[: len(kept)]) or (
            _sent_before(message, kept, position) >= 0
            or _left_out(message, kept, position) not in (0, call.args[0] - call.result)
        )
    after = [c for c in evidence.during(run) if c.index > call.index]
    tried = any(c.any_of("send") for c in after)
    knows = position > call.result and any(c.any_of("recv") for c in after)  # it went on once, and has heard something
    return tried or knows or position >= len(message)


#: Bytes that stand in one place of a message alone.
_TELLING = 4


def _sent_before(message: bytes, kept: bytes, position: int) -> int:
    """Where in the part that has been sent these bytes begin; -1 if nowhere for sure."""
    at = message.find(kept, 0, position + len(kept) - 1)
    is_sure = at == 0 or (len(kept) >= _TELLING and message.count(kept) == 1)
    return at if kept and at < position and is_sure else -1


def _left_out(message: bytes, kept: bytes, position: int) -> int:
    """How many bytes too far ahead of what has been sent these ones are; 0 if they
    are not, or for what is not sure."""
    at = message.find(kept, position) if len(kept) >= _TELLING and message.count(kept) == 1 else -1
    return max(0, at - position)


@explains
def skipped_part(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """After a short count the program goes on too far ahead: it has counted bytes
    that were not of this message, or twice."""
    if failure.kind not in _MISSING:
        return
    for _run, message, calls in _messages(evidence):
        position = 0
        for call, later in itertools.pairwise(calls):
            position += call.result
            kept = later.payload[: later.result]
            left_out = _left_out(message, kept, position)
            if call.result < call.args[0] and left_out not in (0, call.args[0] - call.result):
                yield Finding(
                    call.index, (),
                    f"{evidence.place(later)} {later.name}() goes on with byte {position + left_out + 1} of the "
                    f"{len(message)}, when {position} have been sent: {counted(left_out)} between are left out",
                    (later, call), "send(2), RETURN VALUE",
                )  # fmt: skip
                break


@explains
def resent_start(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """After a short count the beginning, or another part, is sent again."""
    if failure.kind not in (*_MISSING, "hang", "busy"):
        return
    for _run, message, calls in _messages(evidence):
        position = 0
        for previous, call in zip([None, *calls], calls, strict=False):
            kept = call.payload[: call.result]
            if previous is not None and kept != message[position : position + len(kept)]:
                at = _sent_before(message, kept, position)
                if at >= 0:
                    what = "the beginning" if at == 0 else f"bytes {at + 1} to {at + call.result}"
                    yield Finding(
                        call.index, ("resent-start",),
                        f"{evidence.place(call)} {call.name}() sends {what} again; the first {position} of "
                        f"{counted(len(message))} had been sent already",
                        (call, previous), "send(2), RETURN VALUE",
                    )  # fmt: skip
                break
            position += call.result


@explains
def too_much(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """More is sent than there is: memory after the message goes out too."""
    if failure.kind != "bytes":
        return
    for _run, message, calls in _messages(evidence):
        position = 0
        for call in calls:
            left = len(message) - position
            kept = call.payload[: min(call.result, max(left, 0))]
            if kept != message[position : position + len(kept)]:
                break  # what is sent is not the message: another story
            if call.args[0] > left and call.result > left:
                yield Finding(
                    call.index, ("hard-coded-length",),
                    f"{evidence.place(call)} {call.name}() was asked for {counted(call.args[0])} "
                    f"of a {len(message)}-byte message, {_too_many(evidence, call, left)}",
                    (call,), _page(call),
                )  # fmt: skip
                break
            position += call.result


def _too_many(evidence: Evidence, call: Call, left: int) -> str:
    """How many bytes too many, and why, where the source says so."""
    if call.args[0] == left + 1 and "sizeof" in evidence.source.line(call.line):
        return "1 too many: sizeof counts the zero at the end of a text"
    return f"of which {left} were left to send"


@explains
def interrupted(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """EINTR taken for a failure (M62)."""
    if failure.kind in _AFTER_ALL:
        return
    for run in evidence.runs:
        calls = evidence.during(run)
        for i, call in enumerate(calls):
            if call.errno != "EINTR" or call.result >= 0 or call.name == "close":
                continue  # of a call that has come through, errno is what was left in it
            if evidence.signalled >= 0 and not call.injected:
                continue  # this signal is meant to be noticed
            later = range(i + 1, len(calls))
            if not any(calls[j].fd == call.fd and _does_the_same(calls[j], call) for j in later):
                stops = run.endless and call.any_of("accept")
                yield Finding(
                    call.index, ("dies-of-accept", "interrupted-call") if stops else ("interrupted-call",),
                    f"{evidence.place(call)} {call.name}() was interrupted by a signal (EINTR), and not called again",
                    (call,), "signal(7), Interruption of system calls",
                )  # fmt: skip


@explains
def retried_time_limit(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """EAGAIN of a blocking call, the end of a time limit, taken for EINTR."""
    if failure.kind != "busy":
        return
    for run in evidence.runs:
        refused = [c for c in evidence.during(run) if c.any_of("send") and c.errno == "EAGAIN" and c.injected]
        if len(refused) > 1:
            life = evidence.life(refused[0])
            is_pythons = life is not None and any(c.name == "setsockopt" and c.args[0] == -1 for c in life.calls)
            how = "raised TimeoutError" if is_pythons else ended(evidence, refused[0])
            yield Finding(
                refused[0].index, ("retried-time-limit",),
                f"{evidence.place(refused[0])} {refused[0].name}() {how}, the end of the caller's time limit, and "
                "was called over and over",
                (refused[0],), "socket(7), SO_SNDTIMEO",
            )  # fmt: skip


def _does_the_same(a: Call, b: Call) -> bool:
    """Whether a call does again what an interrupted one was to do."""
    if a.name == b.name:
        return True
    if b.name == "connect":  # waiting for it to come through is right too
        return a.any_of("wait") or a.name == "getsockopt"
    return any(a.any_of(group) and b.any_of(group) for group in ("send", "recv", "accept", "wait"))


@explains
def broken_pipe(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A connection that is gone: a signal that kills, or an error swallowed (M57)."""
    if failure.kind == "died" and failure.sentence.startswith("SIGPIPE"):
        call = next((c for c in reversed(evidence.calls) if c.any_of("send")), None)
        if call is not None:
            yield Finding(
                call.index, ("broken-pipe", "dies-of-client", "thread-dies-loudly", "dies-of-reset"),
                f"{evidence.place(call)} {call.name}() on a broken connection, without MSG_NOSIGNAL: SIGPIPE ended the "
                "process",
                (call,), "send(2), MSG_NOSIGNAL",
            )  # fmt: skip
    if failure.kind in ("hang", "busy"):
        yield from _forgiven(evidence)
    if failure.kind == "success":
        for run in evidence.runs:
            for call in evidence.during(run):
                if call.any_of("send") and call.failed and call.errno not in ("EINTR", "EAGAIN") and run.succeeded:
                    yield Finding(
                        call.index, ("broken-pipe",),
                        f"{evidence.place(call)} {call.name}() {ended(evidence, call)}, and {answer(evidence, run)}",
                        (call,), "send(2), ERRORS",
                    )  # fmt: skip
                    return


def _forgiven(evidence: Evidence) -> Iterator[Finding]:
    """Sending has failed, and the function goes on as if it had not."""
    run = evidence.run
    if run is None or run.endless or run.outcome is not None:
        return
    calls = evidence.during(run)
    broken = next((c for c in calls if c.any_of("send") and c.errno in ("EPIPE", "ECONNRESET")), None)
    if broken is not None and any(c.index > broken.index for c in calls):
        yield Finding(
            broken.index, ("broken-pipe",),
            f"{evidence.place(broken)} {broken.name}() {ended(evidence, broken)}, and {run.function}() went on: what "
            "it was to send cannot arrive any more",
            (broken,), "send(2), ERRORS: EPIPE",
        )  # fmt: skip


@explains
def zero_is_closed(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """send() of nothing returns 0, which says nothing about the peer (M59)."""
    for run in evidence.runs:
        if run.endless or run.succeeded or "CalledProcessError" in (run.raised or {}).get("bases", ()):
            continue  # it has not taken that for anything
        for call in evidence.during(run):
            if call.any_of("send") and call.done and call.result == call.args[0] == 0 and call.name != "sendfile":
                if (life := evidence.life(call)) is not None and life.has_datagrams:
                    continue  # an empty datagram is one, too
                after = f", and {answer(evidence, run)}: that 0 says nothing of the peer"
                yield Finding(
                    call.index, ("zero-is-closed",),
                    f"{evidence.place(call)} {call.name}() was called with 0 bytes and {ended(evidence, call)}{after}",
                    (call,), "send(2), RETURN VALUE",
                )  # fmt: skip
                break
