"""Frames that are peeled: a wrong answer tells which mistake it comes of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from grader.verdict.evidence import Evidence, Failure
from grader.verdict.peeling import MISTAKES, explanation, peel
from grader.verdict.rule import Finding, explains, when_returned


@explains
def peeled_wrongly(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The layers of a frame are told as by a program with that one mistake (M106, M107)."""
    run, answers = evidence.run, list(_answers(evidence))
    if failure.kind != "outcome" or not answers or run.message != answers[-1][0] or not run.succeeded:
        return
    if not (found := explanation(answers)):
        return
    gap, does = MISTAKES[found]
    pairs = enumerate(zip_longest(answers[-1][1], peel(run.message)), 1)
    number, told, right = next((number, *pair) for number, pair in pairs if pair[0] != pair[1])
    told, right = (f'"{line}"' if line else "nothing" for line in (told, right))
    place = f"{evidence.source.name}:{run.decided.line}" if run.decided else evidence.source.name
    yield Finding(
        when_returned(run), (gap,) if gap else (),
        f'{place} {run.shown} told {told} in line {number}; expected {right}: {does}',
        of_answer=True,
    )  # fmt: skip


def _answers(evidence: Evidence) -> Iterator[tuple[bytes, list[str]]]:
    """Frames that were to be peeled, with what was told of them."""
    for run in evidence.runs:
        answer = (run.outcome or {}).get("returned")
        if run.message and isinstance(answer, list) and answer and str(answer[0]).startswith("ethernet "):
            yield run.message, answer
