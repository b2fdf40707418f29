"""What a learner's Python program is about at one of its lines.

A snapshot is the lines of the frames in the learner's file, the innermost
first, and short words for the values of the names that stand on its line.  It is
plain text: nothing of the program's is kept alive, and none of its code is run.
"""

from __future__ import annotations

import errno
import re
from _socket import socket
from types import FrameType, TracebackType
from typing import Any

from grader.trace import layout

#: A name, or one of an object's attributes; not what a value is assigned to.
_NAME = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?\b(?!\s*(?:=(?!=)|:=))")
#: Several names that a value is assigned to.
_TARGETS = re.compile(r"^[\w\s.,()\[\]*]+=(?!=)|\bfor\b.+?\bin\b")
#: Bytes and characters of a value that are kept.
_LONGEST = 32
#: Frames whose lines are kept.
_DEEPEST = 6
#: How often the values at one line are taken: what a loop has after that is no news.
_MOST = 200
_MISSING = object()

#: The lines in the learner's file of a frame and of its callers, and names with
#: their values.
Moment = tuple[list[int], list[tuple[str, str]]]


class Snapshots:
    """Takes snapshots of the program's frames.

    Args:
        path: the learner's file.
        source: its text.
    """

    def __init__(self, path: str, source: str) -> None:
        self.path, self._lines = path, source.splitlines()
        self._names: dict[int, list[str]] = {}
        self._taken: dict[int, int] = {}

    def innermost(self, frame: FrameType | None) -> FrameType | None:
        """The innermost frame of a stack that is in the learner's file."""
        path = self.path
        while frame is not None and frame.f_code.co_filename != path:
            frame = frame.f_back
        return frame

    def packed(self, frame: FrameType) -> bytes:
        """A snapshot for the trace."""
        lines, values = self.at(frame)
        words = [",".join(map(str, lines)), *(word for pair in values for word in pair)]
        return "\0".join(words).encode(errors="replace")[: layout.SNAPSHOT_ROOM]

    def at(self, frame: FrameType) -> Moment:
        """What there is to say of a frame at its line."""
        lines, caller = [], frame
        while caller is not None and len(lines) < _DEEPEST:
            if caller.f_code.co_filename == self.path:
                lines.append(caller.f_lineno)
            caller = caller.f_back
        return lines, self._values(frame, frame.f_lineno)

    def of_traceback(self, traceback: TracebackType | None) -> Moment:
        """The same of an exception, where it was raised in the learner's file."""
        places = []
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == self.path:
                places.append((traceback.tb_frame, traceback.tb_lineno))
            traceback = traceback.tb_next
        if not places:
            return [], []
        return [line for _frame, line in reversed(places)][:_DEEPEST], self._values(*places[-1])

    def _values(self, frame: FrameType, line: int) -> list[tuple[str, str]]:
        taken = self._taken[line] = self._taken.get(line, 0) + 1
        if taken > _MOST:
            return []
        names = self._names.get(line)
        if names is None:
            text = self._lines[line - 1].partition("#")[0] if 0 < line <= len(self._lines) else ""
            names = self._names[line] = list(dict.fromkeys(_NAME.findall(_TARGETS.sub("", text))))
        variables = frame.f_locals
        found = []
        for name in names:
            first, _, attribute = name.partition(".")
            if first not in variables:
                continue
            if words := described(variables[first]):
                found.append((first, words))
            elif attribute and (words := described(_attribute(variables[first], attribute))):
                found.append((name, words))
        return list(dict.fromkeys(found))


def _attribute(value: Any, name: str) -> Any:
    """What an object's own dictionary holds under a name; no property is asked."""
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return _MISSING
    return attributes.get(name, _MISSING) if type(attributes) is dict else _MISSING


def described(value: Any) -> str:
    """A value in a few words; ``""`` for what has none."""
    kind, words = type(value), ""
    if value is None or kind is bool or (kind is int and abs(value) < 1 << 64):
        words = str(value)
    elif kind is float:
        words = f"{value:.6g}"
        words += ".0" * words.removeprefix("-").isdigit()
    elif kind in (bytes, bytearray, str):
        words = repr(value) if len(value) <= _LONGEST else f"{len(value)} {'characters' if kind is str else 'bytes'}"
    elif kind is memoryview:
        words = _view_words(value)
    elif isinstance(value, socket):
        number = socket.fileno(value)
        words = f"socket fd {number}" if number >= 0 else "closed socket"
    elif kind in (list, tuple, dict, set):
        words = f"{kind.__name__} of {len(value)}"
    elif isinstance(value, OSError) and type(value.errno) is int:
        words = f"{kind.__name__}: {errno.errorcode.get(value.errno, value.errno)}"
    return words


def _view_words(view: memoryview) -> str:
    try:
        return f"{view.nbytes} bytes"
    except ValueError:
        return "a released view"
