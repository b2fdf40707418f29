"""From evidence to a diagnosis: the first broken rule in time wins."""

from __future__ import annotations

from grader.catalogue.exercises import Exercise
from grader.verdict.evidence import Evidence, Failure
from grader.verdict.model import Diagnosis, Place
from grader.verdict.rules import EXPLANATIONS, VIOLATIONS, Finding
from grader.verdict.transcript import Step, tell


def violations(evidence: Evidence) -> list[Finding]:
    """Broken rules that take a pass away although every peer was content.

    A trace with records missing (a program that makes more calls than it
    holds) says nothing of what was not done.
    """
    if evidence.lost:
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
    if first is None:
        line, sentence = failure.line, failure.sentence
        if proven and evidence.runs:
            # An answer is all there is: where no line is known, its function's counts.
            function = evidence.runs[-1].function
            line = line or evidence.source.definition(function)
            sentence = f"{Place(evidence.source.name, line) if line else evidence.source.name} {sentence}"
        places = (Place(evidence.source.name, line),) if line else ()
        return Diagnosis(
            sentence,
            gap=proven.slug if proven else "",
            title=proven.sentence if proven else "",
            places=places,
            read=failure.read or (proven.read[0] if proven else ""),
            difference=failure.difference,
            transcript=story,
            messages=failure.messages,
            is_minor=failure.kind == "printed",
        )
    gap = next((gap for slug in first.gaps for gap in known if gap.slug == slug), None)
    return Diagnosis(
        first.sentence,
        gap=gap.slug if gap else "",
        title=gap.sentence if gap else "",
        places=tuple(Place(evidence.source.name, c.line) for c in first.calls if c.line),
        read=first.read or (gap.read[0] if gap else ""),
        difference=failure.difference,
        transcript=story,
        messages=failure.messages,
    )
