"""Numbers, bytes and results in sentences, in the words of the program's language."""

from __future__ import annotations

import errno
from functools import cache

from grader.trace.reader import Call

#: So many bytes that differ are shown side by side; of more, the first one.
_SIDE_BY_SIDE = 4


def counted(number: int, noun: str = "byte") -> str:
    """A number with its noun: ``1 byte``, ``2 bytes``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def others(number: int) -> str:
    """What is left of some bytes, as a subject: ``the other 37 were``, ``the other one was``."""
    return f"the other {number} were" if number != 1 else "the other one was"


@cache
def python_error(name: str) -> str:
    """The exception that Python raises for an errno (PEP 3151), which names the
    errno where the class does not: ``ConnectionResetError``, ``OSError (EMFILE)``."""
    raised = class_for(name)
    return f"OSError ({name})" if raised == "OSError" and name != "OSError" else raised


def class_for(name: str) -> str:
    """The Python exception class that stands for an errno."""
    if name.startswith("EAI_"):
        return "gaierror"
    number = getattr(errno, name, None)
    return name if number is None else type(OSError(number, "")).__name__


def ended(call: Call, language: str) -> str:
    """How a call has ended: ``returned b""``, ``failed with ECONNRESET``."""
    if call.failed:
        return f"raised {python_error(call.errno)}" if language == "python" else f"failed with {call.errno}"
    if call.result == 0 and call.any_of("recv") and language == "python":
        return 'returned b""'
    return f"returned {call.result}"


def differing(expected: bytes, actual: bytes) -> str:
    """Where two byte strings differ, bytes counted from 1: ``byte 2 is a2; expected 0d``."""
    alike = next((i for i, (a, b) in enumerate(zip(expected, actual, strict=False)) if a != b), None)
    if alike is None:
        return ""
    end = alike
    while end < min(len(expected), len(actual)) and expected[end] != actual[end]:
        end += 1
    if 1 < end - alike <= _SIDE_BY_SIDE:
        which = f"bytes {alike + 1} {'and' if end - alike == 2 else 'to'} {end} are"
        return f"{which} {actual[alike:end].hex(' ')}; expected {expected[alike:end].hex(' ')}"
    return f"byte {alike + 1} is {actual[alike]:02x}; expected {expected[alike]:02x}"
