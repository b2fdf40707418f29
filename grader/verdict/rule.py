"""What a rule is asked, what it yields, and how it is registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grader.trace.errors import name_of
from grader.trace.reader import Call
from grader.verdict import words
from grader.verdict.evidence import Descriptor, Evidence, Failure, Run


@dataclass(frozen=True)
class Finding:
    """A broken rule.

    Attributes:
        at: the record at which it was broken, for the order in time; what is
            broken only when a function returns lies half a step before the
            record that follows (`when_returned`).
        gaps: slugs it may go by; the exercise's first one among them counts.
        sentence: what the program did, with places.
        calls: the guilty calls, the first one first.
        particular: whether it is wrong only in an exercise that has such a gap.
        of_answer: whether it is seen in what the function has answered, and no
            call is guilty.
    """

    at: float
    gaps: tuple[str, ...]
    sentence: str
    calls: tuple[Call, ...] = ()
    read: str = ""
    particular: bool = False
    of_answer: bool = False


def ended(evidence: Evidence, call: Call) -> str:
    """How a call ended, in the program's language: ``returned b""``, ``failed with EPIPE``."""
    return words.ended(call, evidence.source.language)


def answer(evidence: Evidence, run: Run) -> str:
    """What a function that has ended told its caller: ``fetch() returned 7 bytes``."""
    speaks_python = evidence.source.language == "python"
    outcome = run.outcome or {}
    if "raised" in outcome:
        raised = outcome["raised"]
        name = name_of(raised["errno"])
        if not speaks_python:
            return f"{run.function}() failed with {name}"
        return f"{run.function}() raised {raised['class']}" + (
            f" ({name})" if name and raised["class"] == "OSError" else ""
        )
    value = outcome.get("returned")
    if isinstance(value, bytes):
        told = words.counted(len(value))
    elif value is None:
        told = "None" if speaks_python else "success"
    elif isinstance(value, dict) and "descriptor" in value:
        told = "a socket" if speaks_python else f"descriptor {value['descriptor']}"
    else:
        told = str(value) if type(value) is int else "as if nothing had failed"
    return f"{run.function}() returned {told}"


#: What Python calls the calls of stdio.
_IN_PYTHON = {"fopen": "open", "fread": "read", "fwrite": "write", "fclose": "close"}


def called(evidence: Evidence, call: Call) -> str:
    """Where a call was made, and what the program's language calls it: ``talk.c:12 send()``."""
    name = _IN_PYTHON.get(call.name, call.name) if evidence.source.language == "python" else call.name
    return f"{evidence.place(call)} {name}()"


def connections(evidence: Evidence) -> list[Descriptor]:
    """The lives of accepted connections, if one process has them all."""
    return [] if any(call.name == "fork" for call in evidence.calls) else evidence.accepted


def when_returned(run: Run) -> float:
    """The moment a function returned, on the scale of `Finding.at`."""
    return (run.last if run.last is not None else float("inf")) - 0.5


Rule = Callable[[Evidence, Failure], Iterator[Finding]]

EXPLANATIONS: list[Rule] = []
VIOLATIONS: list[Callable[[Evidence], Iterator[Finding]]] = []


def explains(rule: Rule) -> Rule:
    """Register a rule that is asked when a check has failed."""
    EXPLANATIONS.append(rule)
    return rule


def violation(rule: Callable[[Evidence], Iterator[Finding]]) -> Callable[[Evidence], Iterator[Finding]]:
    """Register a rule that is asked always."""
    VIOLATIONS.append(rule)
    return rule
