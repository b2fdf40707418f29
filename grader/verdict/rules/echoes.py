"""Echoes: what is taken for a text, or for lines, and so does not come back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, explains
from grader.verdict.words import counted

#: What takes a zero byte for the end (string(3), printf(3)).
TEXT = re.compile(r"(strlen|strdup|strcpy|strcat|strtok_r|strtok|strchr|fputs|fprintf|dprintf|snprintf)\s*\(")


@explains
def zero_ends_it(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What was received is sent as far as its first zero byte."""
    talk, used = evidence.wronged, TEXT.search(evidence.source.text)
    if failure.kind not in ("bytes", "hang") or talk is None or not talk.is_echo or used is None:
        return
    place = len(talk.heard) + talk.differs_at
    for call, at in talk.receives:
        if evidence.source.language != "c" or not at <= place < at + call.result or talk.said[place] != 0:
            continue
        sent = place - at
        first_zero = talk.brought(call, at).find(b"\0")
        asked = [c.args[0] for c in talk.calls if c.any_of("send") and c.index > call.index]
        if sent == first_zero and (asked or [0])[0] == sent:
            yield Finding(
                call.index, (),
                f"{evidence.place(call)} {call.name}() brought {counted(call.result)}, of which {sent or 'none'} "
                f"{'was' if sent < 2 else 'were'} sent: byte {sent + 1} is a zero, which {used[1]}() takes for the end",
                (call,), "strlen(3)" if used[1] == "strlen" else "string(3)",
            )  # fmt: skip


@explains
def held_back(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Bytes after the last LF wait for the rest of a line."""
    talk = evidence.wronged
    if failure.kind != "hang" or talk is None or not talk.is_echo or not talk.owed.startswith(talk.came):
        return
    place = len(talk.heard) + len(talk.came)
    kept = talk.said[place : talk.taken]
    if kept and b"\n" not in kept and talk.said[:place].endswith(b"\n"):
        call = talk.receives[-1][0]
        yield Finding(
            call.index, (),
            f"{evidence.place(call)} {call.name}() has brought {counted(len(kept))} after the last LF, which are "
            "held back: an echo server returns bytes, not lines",
            (call,), "recv(2)",
        )  # fmt: skip


@explains
def taken_for_text(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Bytes are decoded, which are no text, or not all of it."""
    run = evidence.run
    raised = run.raised if run else None
    if not raised or not run.endless or raised["class"] not in ("UnicodeDecodeError", "UnicodeEncodeError"):
        return
    calls = [c for c in evidence.during(run) if c.any_of("recv") and c.done and c.result > 0]
    if calls:
        place = replace(calls[-1], line=raised["line"] or calls[-1].line)
        yield Finding(
            place.index, ("dies-of-client",),
            f"{evidence.place(place)} what a client had sent was taken for text, and {run.function}() ended with "
            f"{raised['class']}: bytes need not be text, and a character may be cut anywhere",
            (place,), "Python, Unicode HOWTO",
        )  # fmt: skip
