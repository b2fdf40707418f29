"""Lines of a transcript in a column that may be too narrow for them."""

from __future__ import annotations

import textwrap

from grader.verdict.model import Line

_MARK = " *"
_ELLIPSIS = "..."
#: Characters of an argument below which it says nothing.
_LEAST = 14


def fitted(line: Line, room: int) -> list[str]:
    """A line of a transcript in as many lines as it takes.

    The arguments of a call give way first, and what came of it always stands
    whole, with the mark of a call that the grader has made to end so.

    Args:
        line: what is told.
        room: columns there are.
    """
    number = f"{line.place.line}  " if line.place else ""
    head = f"{number}{f'{line.who}: ' if line.who else ''}{line.text}"
    tail = f"{line.result}{_MARK * line.injected}"
    hanging = " " * len(number)
    if line.arguments is None:
        return textwrap.wrap(f"{head}{tail}", room, subsequent_indent=hanging)
    arguments = _cut(line.arguments, room - len(f"{head}(){tail}"))
    if arguments != [_ELLIPSIS]:
        return [f"{head}({', '.join(arguments)}){tail}"]
    arguments = _cut(line.arguments, room - len(f"{head}()"))
    return [f"{head}({', '.join(arguments)})", f"{hanging}  {tail.strip()}"]


def _cut(arguments: tuple[str, ...], room: int) -> list[str]:
    """Arguments that fit, if they can be made to: the longest give way first,
    down to what still says something, and then the last."""
    cut, longest = list(arguments), max(map(len, arguments), default=0)
    while len(", ".join(cut)) > room and longest > _LEAST:
        longest -= 1
        cut = [text if len(text) <= longest else text[: longest - len(_ELLIPSIS)] + _ELLIPSIS for text in arguments]
    while len(", ".join(cut)) > room and cut != [_ELLIPSIS]:
        cut = [*cut[: -2 if cut[-1] == _ELLIPSIS else -1], _ELLIPSIS]
    return cut
