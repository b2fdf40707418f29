"""Lines of a transcript in a column that may be too narrow for them."""

from __future__ import annotations

import textwrap

from grader.verdict.model import Line

_MARK = " *"
_ELLIPSIS = "..."
#: A space at which no line ends.
_GLUE = "\xa0"
#: Characters of an argument below which it says nothing.
_LEAST = 14


def fitted(line: Line, room: int, *, is_cut: bool = True) -> list[str]:
    """A line of a transcript in as many lines as it takes.

    The arguments of a call give way first, and what came of it always stands
    whole, with the mark of a call that the grader has made to end so.

    Args:
        line: what is told.
        room: columns there are.
        is_cut: whether arguments give way; else they take more lines.
    """
    number = f"{line.place.line}  " if line.place else ""
    head = f"{number}{f'{line.who}: ' if line.who else ''}{line.text}"
    tail = f"{line.result}{_MARK * line.injected}"
    hanging = " " * len(number)
    if line.arguments is None:
        return textwrap.wrap(f"{head}{tail}", room, subsequent_indent=hanging)
    if not is_cut:
        # a result stays in one piece, if it is short
        end = f" {tail[1:].replace(' ', _GLUE)}" if 0 < len(tail) < room // 2 else tail
        whole = f"{head}({', '.join(line.arguments)}){end}"
        wrapped = textwrap.wrap(whole, room, subsequent_indent=f"{hanging}    ", break_on_hyphens=False)
        return [text.replace(_GLUE, " ") for text in wrapped]
    arguments = _cut(line.arguments, room - len(f"{head}(){tail}"))
    if arguments != [_ELLIPSIS]:
        return [f"{head}({', '.join(arguments)}){tail}"]
    arguments = _cut(line.arguments, room - len(f"{head}()"))
    return [f"{head}({', '.join(arguments)})", *[f"{hanging}  {tail.strip()}"] * bool(tail.strip())]


def _cut(arguments: tuple[str, ...], room: int) -> list[str]:
    """Arguments that fit, if they can be made to: the longest give way first,
    down to what still says something, and then the last."""
    cut, longest = list(arguments), max(map(len, arguments), default=0)
    while len(", ".join(cut)) > room and longest > _LEAST:
        longest -= 1
        cut = [text if len(text) <= longest else text[: longest - len(_ELLIPSIS)] + _ELLIPSIS for text in arguments]
    while len(", ".join(cut)) > room and cut and cut != [_ELLIPSIS]:
        cut = [*cut[: -2 if cut[-1] == _ELLIPSIS else -1], _ELLIPSIS]
    return cut
