"""The guilty line of the learner's file as a report shows it."""

from __future__ import annotations

import textwrap

from grader.verdict.model import Excerpt

_ARROW = "->"


def code(excerpt: Excerpt, room: int) -> list[str]:
    """The line between its neighbours, with an arrow; below it the lines that its
    function was called at, and the values that it names.

    Args:
        excerpt: what is shown.
        room: columns there are.
    """
    digits = len(str(excerpt.first + len(excerpt.lines)))
    shown = []
    for number, text in enumerate(excerpt.lines, excerpt.first):
        if not text and number != excerpt.at:
            continue
        arrow = _ARROW if number == excerpt.at else ""
        shown.append(f"{arrow:<{len(_ARROW)}} {number:>{digits}}  {text}".rstrip())
    notes = [f"called at {number}: {text}" for number, text in excerpt.callers]
    notes += [", ".join(f"{name} = {value}" for name, value in excerpt.values)] * bool(excerpt.values)
    indent = " " * (len(_ARROW) + digits + 3)
    for note in notes:
        shown += textwrap.wrap(note, room, initial_indent=indent, subsequent_indent=f"{indent}  ")
    return [line if len(line) <= room else f"{line[: room - 3]}..." for line in shown]
