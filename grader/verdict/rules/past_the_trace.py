"""Calls that nobody could judge."""

from __future__ import annotations

from collections.abc import Iterator

from grader.verdict.evidence import Evidence
from grader.verdict.rule import Finding, violation


@violation
def past_the_trace(evidence: Evidence) -> Iterator[Finding]:
    """syscall() with a number that the trace neither knows nor lets through."""
    for call in evidence.calls:
        if call.name == "syscall":
            number = next(iter(evidence.source.arguments(call)), str(call.arg("number")))
            yield Finding(
                call.index, (),
                f"{evidence.place(call)} syscall({number}) goes past the trace, so the exercise could not be judged; "
                "use the ordinary call",
                (call,), "syscall(2)",
            )  # fmt: skip
            return
