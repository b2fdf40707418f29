"""How a function of the learner's has ended, in words and as a failure.

In the words of the program's language: Python raises ``ConnectionResetError``
and returns ``None``, C returns -1 with ``ECONNRESET`` and 0.
"""

from __future__ import annotations

import errno
import re
from typing import Any

from grader.catalogue.exercises import Exercise
from grader.catalogue.unit import Unit
from grader.stage.captured import are_frames, frames_compared
from grader.trace.errors import name_of
from grader.trace.reader import eai_name
from grader.verdict.evidence import Failure, Run
from grader.verdict.model import Difference
from grader.verdict.words import class_for, counted, differing, python_error

#: Bytes that are shown as they are, and not by their number.
_SHORT = 12


def stopped(run: Run, unit: Unit, disturbed: str = "") -> Failure:
    """A server's function has ended.

    Args:
        disturbed: name of the signal that has come just before, and was not to end it.
    """
    after = f" when {disturbed} came, which is not to end it" if disturbed else "; a server goes on until it is ended"
    return Failure("stopped", f"{outcome_words(run, unit)}{after}", line=line_of(run))


def outcome_words(run: Run, unit: Unit) -> str:
    """How a function ended, in words."""
    return f"{run.function}() {_ending(run, unit)}"


def _ending(run: Run, unit: Unit) -> str:
    outcome = run.outcome
    if "broke" in outcome:
        return str(outcome["broke"])
    if "raised" in outcome:
        return f"{'raised' if unit.language == 'python' else 'returned'} {error_words(outcome['raised'], unit)}"
    return f"returned {value_words(outcome['returned'], run.function, unit)}"


def ended_before(run: Run, unit: Unit, event: str) -> Failure:
    """A function that has ended too early, before something else came about."""
    return Failure("unmet", f"{outcome_words(run, unit)} before {event}", line=line_of(run))


def error_words(raised: dict, unit: Unit) -> str:
    """A reported error: ``ConnectionResetError``, ``-1 with ECONNRESET``, ``EAI_NONAME``."""
    number = raised["errno"]
    if raised["class"] == "gaierror":
        name = eai_name(number) if number else "no code"
        name = f"the code {name}" if name == str(number) else name
        return f"socket.gaierror ({name})" if unit.language == "python" else name
    name = name_of(number)
    if unit.language == "c":
        return f"{_failing(unit.exercise)} with {name or raised['class']}"
    if name and "OSError" in raised["bases"]:
        return python_error(name) if class_for(name) == raised["class"] else str(raised["class"])
    return f"{raised['class']}{': ' if raised['text'] else ''}{raised['text']}"


def line_of(run: Run) -> int | None:
    """The line at which a function gave up."""
    return run.outcome["raised"]["line"] if "raised" in run.outcome else None


def c_accepts(name: str, raised: dict) -> bool:
    """Whether what a C function has reported is that error."""
    number = raised["errno"]
    if name in ("OSError", "gaierror"):
        return bool(number)
    if name.startswith("EAI_") or raised["class"] == "gaierror":
        return raised["class"] == "gaierror" and eai_name(number) == name
    return number == getattr(errno, "EINVAL" if name == "ValueError" else name)


def python_accepts(name: str, raised: dict, *, named: bool = False) -> bool:
    """Whether what a Python function has raised is that error: its class counts.

    Args:
        named: whether its errno counts, too.
    """
    classes = {_class_of(name), class_for(name)}  # a program that has taken the limit off is told EAGAIN itself
    return not classes.isdisjoint(raised["bases"]) and not (named and raised["errno"] != getattr(errno, name))


def _class_of(error: str) -> str:
    """The exception class that a contract means: EAGAIN is the end of a time limit there."""
    return "TimeoutError" if error == "EAGAIN" else class_for(error)


def errors_words(errors: tuple[str, ...], unit: Unit, *, named: bool = False) -> str:
    """The errors that the contract has, one of which is expected.

    Args:
        named: whether the errno counts in Python, too.
    """
    names = errors or ("OSError",)
    if unit.language == "python" and named:
        return " or ".join(map(python_error, names))
    if unit.language == "python":
        return " or ".join(dict.fromkeys("socket.gaierror" if _is_of_names(n) else _class_of(n) for n in names))
    codes = [name for name in names if name.startswith("EAI_")]
    if codes:
        return " or ".join(codes)
    if set(names) & {"OSError", "gaierror"}:
        return f"{_failing(unit.exercise)} with errno set"
    return f"{_failing(unit.exercise)} with {' or '.join('EINVAL' if n == 'ValueError' else n for n in names)}"


def _is_of_names(error: str) -> bool:
    return class_for(error) == "gaierror"


def _failing(exercise: Exercise) -> str:
    """What a C function returns when errno tells why."""
    return "EAI_SYSTEM" if "EAI_SYSTEM" in exercise.header.read_text(encoding="utf-8") else "-1"


def value_words(value: Any, function: str, unit: Unit) -> str:
    """A returned value in few words."""
    if isinstance(value, bytes):
        if unit.language == "python" and len(value) <= _SHORT and value.isascii():
            return repr(value)
        return counted(len(value))
    is_reply = isinstance(value, list) and [type(item) for item in value] == [bytes, int]
    if isinstance(value, dict) or is_reply or are_frames(value):
        return _handed(value, "int" in _annotation(function, unit.exercise))
    if value is None and "|" in _annotation(function, unit.exercise):
        return "None, the end" if unit.language == "python" else "the value that stands for the end"
    if unit.language == "c":
        return "0" if value is None else repr(value).replace("'", '"')
    return repr(value)


def _handed(value: dict | list, is_number: bool) -> str:
    """A descriptor that was returned, frames, a reply with a status, or what JSON has no word for."""
    if are_frames(value):
        return counted(len(value), "frame")
    if isinstance(value, list):
        return f"{counted(len(value[0]))} and status {value[1]}"
    if "descriptor" not in value:
        return str(value.get("other", value))
    return f"descriptor {value['descriptor']}" if is_number else "a connection"


def may_return_none(function: str, exercise: Exercise) -> bool:
    """Whether None is among what a function returns when it succeeds."""
    return "None" in _annotation(function, exercise)


def _annotation(function: str, exercise: Exercise) -> str:
    """What a function returns, from its signature; of a method too."""
    signatures = (text for name, text in exercise.functions.items() if name.rpartition(".")[2] == function)
    return next(signatures, "-> None").rpartition("->")[2]


def unexpected(run: Run, expected: str, unit: Unit, errors: tuple[str, ...] = ()) -> Failure:
    """Another outcome than the one that the contract has.

    Args:
        expected: that one, in words.
        errors: the same, where it is an error: symbolic names.
    """
    if "broke" in run.outcome:
        return Failure("broke", f"{outcome_words(run, unit)}; expected {expected}", errors=errors)
    sentence = f"{run.shown} {_ending(run, unit)}; expected {expected}"
    return Failure(
        "success" if "returned" in run.outcome and errors else "outcome", sentence, line=line_of(run), errors=errors
    )


def another_value(run: Run, value: Any, earlier: Run | None, unit: Unit) -> Failure:
    """Another value than the one that was to be returned.

    Args:
        earlier: the call of the same function before, if there was one.
    """
    answer, expected = run.outcome["returned"], value_words(value, run.function, unit)
    subject, difference = run.shown, None
    sentence = f"{subject} returned {value_words(answer, run.function, unit)}; expected {expected}"
    if isinstance(value, bytes) and isinstance(answer, bytes):
        difference = Difference(value, answer)
        sentence = f"{subject} returned {_compared(value, answer, sentence.partition(' returned ')[2])}"
    elif are_frames(value or answer) and are_frames(answer or value):
        sentence = f"{subject} returned {frames_compared(value, answer)}"
    elif isinstance(value, list) and isinstance(answer, list):
        sentence = f"{subject} returned {_items_compared(value, answer)}"
    elif isinstance(value, str) and isinstance(answer, str):
        sentence += _sign_extended(value, answer)
    elif isinstance(value, list) and isinstance(answer, str):
        sentence = f"{subject} wrote {answer!r}, whose last line has no newline; expected {value[-1]!r} there"
    if earlier is not None and answer and earlier.shown == run.shown and earlier.outcome.get("returned") == answer:
        sentence = f"{subject} returned the same as the call before, once more; expected {expected}"
    return Failure("outcome", sentence, difference=difference)


def _compared(expected: bytes, actual: bytes, plainly: str) -> str:
    if len(expected) == len(actual):
        return f"{counted(len(actual))}, but {differing(expected, actual)}"
    if actual and len(actual) < len(expected):
        if expected.startswith(actual):
            return f"only the first {len(actual)} of {counted(len(expected))}"
        if expected.endswith(actual):
            return f"only the last {len(actual)} of {counted(len(expected))}"
    if expected and actual.startswith(expected):
        return f"{counted(len(actual) - len(expected))} too many: {len(actual)}; expected {len(expected)}"
    return plainly


def _items_compared(expected: list, actual: list) -> str:
    double = next((item for number, item in enumerate(actual) if item in actual[:number]), None)
    if double is not None and len(set(expected)) == len(expected):
        places = [number for number, item in enumerate(actual, 1) if item == double]
        return f"{double!r} twice, as items {places[0]} and {places[1]} of {len(actual)}"
    missing = [item for item in expected if item not in actual]
    if missing and [item for item in expected if item in actual] == actual:
        return f"{len(actual)} of {counted(len(expected), 'item')}: {missing[0]!r} is left out"
    pairs = enumerate(zip(expected, actual, strict=False), 1)
    at = next(((number, e, a) for number, (e, a) in pairs if e != a), None)
    if at is not None:
        order = "" if missing or len(actual) != len(expected) else ": the right items in another order"
        return f"{at[2]!r} as item {at[0]} of {len(actual)}; expected {at[1]!r}{order}"
    return f"{counted(len(actual), 'item')}; expected {len(expected)}"


def _sign_extended(expected: str, actual: str) -> str:
    """What has become of a number of two bytes, if C's `char` has made the lower one
    negative: its sign fills the upper one, or is taken off it; else ``""``."""
    numbers = [re.split(r"(\d+)", text) for text in (expected, actual)]
    if len(numbers[0]) != len(numbers[1]):
        return ""
    for right, wrong in zip(*numbers, strict=True):
        if right == wrong:
            continue
        if not (right.isdigit() and wrong.isdigit() and int(right) & 0x80):
            return ""
        if int(wrong) not in (int(right) | 0xFF00, (int(right) - 0x100) & 0xFFFF):
            return ""
        return f": the byte 0x{int(right) & 0xFF:02x} was taken for a negative number, as a char is"
    return ""
