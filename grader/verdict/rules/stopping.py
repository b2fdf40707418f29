"""Servers that a signal ends: whether they notice it, and what they cut short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from grader.trace import layout
from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure
from grader.verdict.rule import Finding, explains, violation

#: What no handler may call (signal-safety(7) has what it may).
_UNSAFE = (
    *("printf", "fprintf", "vfprintf", "dprintf", "sprintf", "snprintf", "puts", "fputs", "putchar", "perror"),
    *("fflush", "fopen", "fclose", "malloc", "calloc", "realloc", "free", "syslog", "exit", "strerror"),
    *("getaddrinfo", "freeaddrinfo", "pthread_mutex_lock", "pthread_cond_signal", "pthread_cond_broadcast"),
)
_INSTALLED = re.compile(r"\bsa_handler\s*=\s*&?(\w+)|\bsignal\s*\(\s*SIG\w+\s*,\s*&?(\w+)")
_MASKS = re.compile(r"\b(?:sigprocmask|pthread_sigmask)\s*\(")
_INSTALLS = re.compile(r"\bsigaction\s*\(\s*SIG|\bsignal\.signal\(|\bsignal\s*\(\s*SIG|\badd_signal_handler\(")
_ONE_SHOT = re.compile(r"\b(?:SA_RESETHAND|SA_ONESHOT|sysv_signal)\b")
_RESTARTS = re.compile(r"SA_RESTART|\bsignal\s*\(\s*SIGTERM\s*,")
_COMMENT = re.compile(r"\s*(?:#|/?\*|//)")


def _waits(evidence: Evidence) -> Call | None:
    """The call in which the program waits for a client, if it does."""
    waiting = [c for c in evidence.calls if not c.done and (c.any_of("accept") or c.any_of("wait"))]
    return waiting[-1] if waiting else None


@explains
def lost_wakeup(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The signal came between the test of the flag and the call that waits."""
    call = _waits(evidence)
    if failure.kind == "hang" and call is not None and call.injected & layout.SIGNAL:
        yield Finding(
            call.index, ("lost-wakeup",),
            f"{evidence.place(call)} SIGTERM came between the look at the flag and {call.name}(), which waits all the "
            "same",
            (call,), "pselect(2), NOTES",
        )  # fmt: skip


@explains
def retries_for_ever(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The signal came while it waited, and it waits on."""
    call = _waits(evidence)
    if failure.kind != "hang" or call is None or call.injected or evidence.signalled < 0:
        return
    if not any(life.was_accepted and life.closed is None for life in evidence.descriptors):
        yield Finding(
            call.index, ("retries-for-ever",),
            f"{evidence.place(call)} {call.name}() goes on waiting for a client, although SIGTERM has come"
            f"{_restarted(evidence, call)}",
            (call,), "signal(7), Interruption of system calls",
        )  # fmt: skip


def _restarted(evidence: Evidence, call: Call) -> str:
    """Why it does, where the program's text says so."""
    how = _RESTARTS.search(evidence.source.text)
    if evidence.source.language != "c" or call.any_of("wait") or how is None:
        return ""
    flag = "SA_RESTART" if how[0] == "SA_RESTART" else "signal(), which sets SA_RESTART,"
    return f": with {flag} the kernel takes {call.name}() up again after the handler"


@explains
def cut_client(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A connection is closed after the signal, and not at its end-of-file."""
    if evidence.signalled < 0 or failure.kind not in ("bytes", "reset", "outcome", "stopped", "unmet", "gone"):
        return
    for life in evidence.descriptors:
        if not life.was_accepted or life.closed is None:
            continue
        ended = any(c.any_of("recv") and c.done and (c.result == 0 or _is_fatal(c)) for c in life.calls)
        if life.closed.index >= evidence.signalled and not ended:
            yield Finding(
                life.closed.index, ("cut-client",),
                f"{evidence.place(life.closed)} closes the connection after SIGTERM{_by(evidence, life)}, before the "
                "client has sent end-of-file",
                (life.closed, life.made), "signal(7)",
            )  # fmt: skip
            return


def _by(evidence: Evidence, life: Descriptor) -> str:
    """What took the program out of the call that it served its client in."""
    broken = next((c for c in reversed(life.calls) if c.failed and not c.errno), None)
    return f", as an exception left {broken.name}() at {evidence.place(broken)}" if broken is not None else ""


def _is_fatal(call: Call) -> bool:
    """Whether a connection is broken; an exception out of a handler has no errno."""
    return call.failed and call.errno not in ("", "EINTR", "EAGAIN")


@explains
def handler_left(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The caller's handler, or mask, is not put back."""
    words = failure.sentence
    if failure.kind == "left-signals" and "SIGTERM" in words and evidence.calls:
        changes, what = (_MASKS, "blocks signals") if "blocked" in words else (_INSTALLS, "installs a handler")
        code = ((n, text) for n, text in enumerate(evidence.source.lines, 1) if not _COMMENT.match(text))
        line = next((n for n, text in code if changes.search(text)), None)
        if line:
            place = replace(evidence.calls[-1], line=line)
            yield Finding(
                place.index, ("handler-left",),
                f"{evidence.place(place)} {what}: {words}",
                (place,), "sigaction(2)",
            )  # fmt: skip


@explains
def one_signal_alone(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A handler that is there for one signal, and the next one ends the program."""
    code = ((n, text) for n, text in enumerate(evidence.source.lines, 1) if not _COMMENT.match(text))
    found = next(((n, flag[0]) for n, text in code if (flag := _ONE_SHOT.search(text))), None)
    if failure.kind == "died" and "took the first" in failure.sentence and evidence.calls and found is not None:
        place = replace(evidence.calls[-1], line=found[0])
        yield Finding(
            place.index, (),
            f"{evidence.place(place)} the handler is for one signal only ({found[1]}): the second SIGTERM found none "
            "and ended the program",
            (place,), "sigaction(2), SA_RESETHAND",
        )  # fmt: skip


def _block(text: str, start: int) -> str:
    """The text of a block whose brace was opened just before start."""
    depth = 1
    for brace in re.finditer(r"[{}]", text[start:]):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return text[start : start + brace.start()]
    return ""


@violation
def unsafe_handler(evidence: Evidence) -> Iterator[Finding]:
    """A handler that calls what a handler may not, from the program's text."""
    if evidence.source.language != "c" or not evidence.calls:
        return
    text = evidence.source.text
    for found in _INSTALLED.finditer(text):
        name = found.group(1) or found.group(2)
        defined = re.search(rf"\bvoid\s+{name}\s*\([^)]*\)\s*\{{", text)
        called = defined and re.search(rf"\b({'|'.join(_UNSAFE)})\s*\(", _block(text, defined.end()))
        if called:
            line = text[: defined.end() + called.start()].count("\n") + 1
            place = replace(evidence.calls[0], line=line)
            yield Finding(
                place.index, ("unsafe-handler",),
                f"{evidence.place(place)} {called.group(1)}() is called in a signal handler; the signal may have "
                f"interrupted {called.group(1)}() itself",
                (place,), "signal-safety(7)",
            )  # fmt: skip
            return
