"""From evidence to a diagnosis: the first broken rule in time wins."""

from __future__ import annotations

from grader.catalogue.exercises import Exercise
from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure
from grader.verdict.model import Diagnosis, Moment, Place
from grader.verdict.rule import Finding
from grader.verdict.rules import EXPLANATIONS, VIOLATIONS
from grader.verdict.transcript import Step, tell

#: Failures that are about what a function has answered, and when.
_ANSWERS = ("outcome", "success", "broke", "unchecked", "unmet", "stopped")


def violations(evidence: Evidence) -> list[Finding]:
    """Broken rules that take a pass away although every peer was content.

    A trace with records missing (a program that makes more calls than it
    holds) says nothing of what was not done; nor does one of a program that
    was not loaded, and has had no time to tidy up.
    """
    if evidence.lost or not evidence.runs:
        return []
    return sorted((f for rule in VIOLATIONS for f in rule(evidence)), key=lambda f: f.at)


def diagnose(exercise: Exercise, evidence: Evidence, failure: Failure, steps: list[Step]) -> Diagnosis:
    """Name the gap behind a failure, if the evidence shows one.

    Args:
        exercise: whose gaps may be named.
        evidence: with lines looked up.
        failure: what the check found.
        steps: the script's side of the story.

    Returns:
        The diagnosis.  Without a finding it says what was seen and stops there.
    """
    findings = violations(evidence)
    if failure.kind != "load":
        findings += [f for rule in EXPLANATIONS for f in rule(evidence, failure)]
    known = exercise.gaps_of(evidence.source.language)
    slugs = {gap.slug for gap in known}
    findings = [f for f in findings if not f.particular or slugs.intersection(f.gaps)]
    if failure.kind == "memory":  # the sanitizer knows best: of the rules only one that speaks of that call
        findings = [f for f in findings if f.calls and not f.calls[0].done]
    proven = next((gap for gap in known if gap.slug == failure.gap), None)
    if proven:  # by the check itself: only a rule that names a gap knows more
        findings = [f for f in findings if slugs.intersection(f.gaps)]
    first = min(findings, key=lambda f: f.at, default=None)
    story = tuple(tell(evidence, steps)) if evidence.runs else ()
    gap, moment = proven, None
    if first is None:
        moment = _moment(evidence, failure)
        places = (Place(evidence.source.name, moment.line),) if moment else ()
        sentence, read = failure.sentence, failure.read
        if proven and evidence.runs:
            sentence = f"{places[0] if places else evidence.source.name} {sentence}"
    else:
        gap = next((gap for slug in first.gaps for gap in known if gap.slug == slug), None)
        guilty = [call for call in first.calls if call.line]
        moment = _moment_of(evidence, guilty[0]) if guilty else None
        places = tuple(Place(evidence.source.name, call.line) for call in guilty)
        if first.of_answer and (moment := _moment(evidence, failure)):
            places = (Place(evidence.source.name, moment.line),)
        sentence, read = first.sentence, first.read
    return Diagnosis(
        sentence,
        gap=gap.slug if gap else "",
        title=gap.sentence if gap else "",
        places=places,
        excerpt=evidence.source.excerpt(moment) if moment else None,
        read=read or (gap.read[0] if gap else ""),
        difference=failure.difference,
        transcript=story,
        messages=failure.messages,
        is_minor=first is None and failure.kind == "printed",
    )


def _moment_of(evidence: Evidence, call: Call) -> Moment:
    """What the program was about at a call; a rule that knows a line by the text
    alone has made one up."""
    is_real = any(made is call for made in evidence.calls)
    return evidence.moments(call) if is_real else Moment(call.line)


def _moment(evidence: Evidence, failure: Failure) -> Moment | None:
    """Where a failure came about that no rule explains."""
    run = evidence.run
    decided = run.decided if run is not None else None
    if failure.line:
        if decided is not None and decided.line == failure.line:
            return decided
        there = [call for call in evidence.calls if call.line == failure.line]
        waiting = [call for call in there if not call.done]  # of threads that wait there, the first is spoken of
        guilty = [*waiting[:1], *there[-1:]]
        return evidence.moments(guilty[0]) if guilty else Moment(failure.line)
    if failure.kind in _ANSWERS and decided is not None:
        return decided
    # An answer is all there is: where no line is known, its function's counts.
    line = evidence.source.definition(run.function) if run is not None and failure.gap else None
    return Moment(line) if line else None
