"""What a function is given: as the channel carries it, and as a transcript shows it."""

from __future__ import annotations

from typing import Any

from grader.learner.program import Frames, Null
from grader.verbs.lent import Lent
from grader.verdict.words import counted

#: So many items of a long list are shown.
_SHOWN = 3


class ProcessId(int):
    """The id of a process, another one in every run."""

    shown = "pid"


def plain(argument: Any) -> Any:
    """An argument as the channel carries it (`grader.learner.host`)."""
    if isinstance(argument, Frames):
        return {"frames": argument.frames, "once": argument.once}
    return {"null": argument.size} if isinstance(argument, Null) else argument


class Room:
    """The size of a buffer that a C function is given."""

    def __init__(self, size: int | Null) -> None:
        self.size = size


def shown(argument: Any, language: str) -> str:
    """An argument, as the program's language has it."""
    if isinstance(argument, (Lent, Frames, ProcessId)):
        return argument.shown
    if isinstance(argument, Room):
        size = argument.size
        return shown(size, language) if isinstance(size, Null) else f"room for {counted(size)}"
    if isinstance(argument, Null):
        return f"NULL, {argument.size}"
    if isinstance(argument, bytes):
        short = 0 < len(argument) <= 20 and not argument.isascii()
        return argument.hex(" ") if short else f"{counted(len(argument))}"
    is_port = isinstance(argument, str) and argument.isdigit() and len(argument) > 2
    if language == "c" and isinstance(argument, float):
        return f"{argument * 1000:g}"  # milliseconds, as all limits in C
    words = "port" if is_port else repr(argument)
    if isinstance(argument, list) and len(argument) > 3 * _SHOWN:
        words = f"[{', '.join(map(repr, argument[:_SHOWN]))} and {len(argument) - _SHOWN} more]"
    return words.replace("None", "NULL").replace("'", '"') if language == "c" else words
