"""Servers that owe an answer for each line: a chunk is not a line, nor is an empty line nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.trace.layout import PAYLOAD_SIZE
from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, explains
from grader.verdict.talk import Talk
from grader.verdict.words import counted

_BARE_CR = re.compile(rb"\r(?!\n)")


@explains
def lines_and_answers(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """More or fewer answers are sent than a receive has brought lines, before the next one."""
    wronged = evidence.wronged
    if failure.kind not in ("bytes", "hang") or wronged is None or not _is_number_each(wronged):
        return
    for talk in evidence.talks:
        for call, lines, answers in _exchanges(talk):
            if answers == len(lines) or not (said := _told(call, lines, answers)):
                continue
            yield Finding(
                call.index + 0.5, (),
                f"{evidence.place(call)} {call.name}() {said}",
                (call,), "recv(2)",
            )  # fmt: skip
            break


@explains
def answered_too_often(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """More answers are sent than lines have come: something else was taken for an end of a line."""
    talk = evidence.talks[0] if evidence.talks else None
    if failure.kind != "bytes" or talk is None or talk.owed:
        return
    if not talk.came or not all(map(bytes.isdigit, talk.came.splitlines())):
        return
    call, lines = talk.sender_of(0), talk.said.count(b"\n")
    answers, bare = (talk.heard + talk.came).count(b"\n"), len(_BARE_CR.findall(talk.said))
    if call is not None and answers > lines > 0:
        why = ": a CR that no LF follows is no end of a line" if bare == answers - lines else ""
        yield Finding(
            call.index, (),
            f"{evidence.place(call)} {call.name}() sends answer {lines + 1}, when {counted(lines, 'line')} "
            f"{'has' if lines == 1 else 'have'} come{why}",
            (call,),
        )  # fmt: skip


@explains
def zero_is_sent(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The zero that ends a text in C goes out with it."""
    talk = evidence.talks[0] if evidence.talks else None
    if failure.kind != "bytes" or talk is None or talk.owed or talk.came != b"\0":
        return
    call = talk.sender_of(0)
    if call is not None and call.payload[: call.result] == talk.heard[-call.result + 1 :] + b"\0":
        yield Finding(
            call.index, (),
            f"{evidence.place(call)} {call.name}() sends {counted(call.result)}, the last of them the zero that ends "
            f"the text; the answer has {call.result - 1}",
            (call,), "strlen(3)",
        )  # fmt: skip


def _is_number_each(talk: Talk) -> bool:
    """Whether the client is owed a number for each line, and nothing else."""
    return all(line.isdigit() for line in talk.owed.splitlines()) and talk.owed.endswith(b"\n") and not talk.is_echo


def _exchanges(talk: Talk) -> Iterator[tuple[Call, list[bytes], int]]:
    """Each receive with the lines that were complete by it, and the number of
    answers that were sent before the next one was called."""
    done = 0
    for call, at in talk.receives:
        until = next((c.index for c in talk.calls if c.any_of("recv") and c.index > call.index), None)
        if until is None:
            return  # it is not done with the last ones
        sent = [c for c in talk.calls if c.any_of("send") and call.index < c.index < until and c.done and c.result > 0]
        end = talk.said.rfind(b"\n", done, at + call.result) + 1
        lines = talk.said[done:end].split(b"\n")[:-1]
        done = max(done, end)
        if any(c.result > PAYLOAD_SIZE for c in sent):
            return
        yield call, lines, sum(c.payload[: c.result].count(b"\n") for c in sent)


def _told(call: Call, lines: list[bytes], answers: int) -> str:
    """What a receive has brought, and what was answered to it."""
    empty = [number for number, line in enumerate(lines, 1) if line in (b"", b"\r")]
    sent = f"{answers or 'no'} {'answer was' if answers < 2 else 'answers were'} sent"
    if not lines:
        return f"brought {counted(call.result)} without an LF, and {sent}: a chunk is not a line"
    if empty and answers == len(lines) - len(empty):
        which = "an empty line" if len(lines) == 1 else f"{counted(len(lines), 'line')}, {_which(empty)} empty"
        return f"brought {which}, and {sent}: an empty line is a line"
    if answers == 1:
        return f"brought {counted(len(lines), 'line')} at once, and {sent}: a chunk is not a line"
    return f"brought {counted(len(lines), 'line')}, and {sent}" if answers else ""


def _which(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"number {numbers[0]}"
    return f"{len(numbers)} of them"
