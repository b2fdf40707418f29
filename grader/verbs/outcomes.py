"""How a function of the learner's has ended, in words and as a failure."""

from __future__ import annotations

import errno
from typing import Any

from grader.learner.trace.reader import eai_name
from grader.verdict.evidence import Failure, Run
from grader.verdict.model import Verdict
from grader.verdict.words import counted


def stopped(run: Run) -> Failure:
    """A server's function has ended."""
    return Failure("stopped", f"{outcome_words(run)}, where a server goes on", line=line_of(run))


def outcome_words(run: Run) -> str:
    """How a function ended, in words."""
    outcome = run.outcome
    if "broke" in outcome:
        return str(outcome["broke"])
    if "raised" in outcome:
        raised = outcome["raised"]
        number = raised["errno"]
        if "OSError" in raised["bases"] and raised["class"] != "gaierror" and number:
            return f"{run.function}() failed with {errno.errorcode.get(number, number)}"
        text = f": {raised['text']}" if raised["text"] else ""
        return f"{run.function}() raised {raised['class']}{text}"
    return f"{run.function}() returned"


def line_of(run: Run) -> int | None:
    """The line at which a function gave up."""
    return run.outcome["raised"]["line"] if "raised" in run.outcome else None


def class_for(name: str) -> str:
    """The Python exception class that stands for an errno (PEP 3151)."""
    if name.startswith("EAI_"):
        return "gaierror"
    number = getattr(errno, name, None)
    return name if number is None else type(OSError(number, "")).__name__


def c_accepts(name: str, raised: dict) -> bool:
    """Whether what a C function has reported is that error."""
    number = raised["errno"]
    if name in ("OSError", "gaierror"):
        return bool(number)
    if name.startswith("EAI_") or raised["class"] == "gaierror":
        return raised["class"] == "gaierror" and eai_name(number) == name
    return number == getattr(errno, "EINVAL" if name == "ValueError" else name)


def unexpected(run: Run, wanted: str) -> Failure:
    """Another outcome than the one that the contract has."""
    outcome = run.outcome
    if "broke" in outcome:
        return Failure("broke", str(outcome["broke"]))
    if "returned" in outcome:
        return Failure("outcome", f"returned {value_words(outcome['returned'])} where {wanted}")
    raised = outcome["raised"]
    text = f": {raised['text']}" if raised["text"] else ""
    if "OSError" in raised["bases"] and raised["errno"]:
        sentence = f"failed with {error_name(raised)} where {wanted}"
    else:
        sentence = f"raised {raised['class']}{text}, where {wanted}"
    return Failure("outcome", sentence, Verdict.FAIL, raised["line"])


def error_name(raised: dict) -> str:
    """The symbolic name of a reported error, or its class."""
    number = raised["errno"]
    if raised["class"] == "gaierror":
        name = eai_name(number) if number else "gaierror"
        return f"the code {name}" if name == str(number) else name
    return errno.errorcode.get(number, raised["class"]) if number else str(raised["class"])


def value_words(value: Any) -> str:
    """A returned value in few words."""
    if isinstance(value, bytes):
        return f"{counted(len(value))}"
    if isinstance(value, dict):
        return "a connection" if "descriptor" in value else str(value.get("other", value))
    return "success" if value is None else repr(value)
