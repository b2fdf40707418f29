"""All that was said in a check: in two columns, or one line a call."""

from __future__ import annotations

from collections.abc import Iterator

from grader.report.bytes import dumped
from grader.report.story import fitted
from grader.verdict.model import WAITS, Line, Told

#: What stands between the columns.
_BETWEEN = " \u2502 "
#: Columns that a peer's side has at least, and the program's at most.
_LEAST, _MOST = 24, 110
#: Of bytes below the line that moved them.
_INDENT = 2


def columns(story: tuple[Told, ...], width: int) -> Iterator[tuple[str, str]]:
    """The program on the left, its peers on the right.

    Args:
        story: all that was said.
        width: columns there are.

    Yields:
        What stands on the left, filled up, and what on the right, with the sign between
        the two; of one of them the other side has nothing.
    """
    place = next((told.line.place for told in story if told.line.place), None)
    head = f"program{f', by line of {place.file}' if place else ''}"
    left = max(len(head), _left(story, width))
    right = width - left - len(_BETWEEN)
    yield f"{head:<{left}}", f"{_BETWEEN}peers"
    for told in story:
        is_peers = told.line.actor == "peer"
        for text in _lines(told, right if is_peers else left):
            yield f"{'' if is_peers else text:<{left}}", f"{_BETWEEN}{text if is_peers else ''}".rstrip()


def plain(story: tuple[Told, ...]) -> Iterator[str]:
    """The program's calls, one a line, as strace(1) prints them."""
    for told in story:
        line = told.line
        is_call = line.actor == "learner" and (line.arguments is not None or line.place is not None)
        if is_call and line.result != WAITS:  # it is told once more when it has returned
            yield str(line)


def _left(story: tuple[Told, ...], width: int) -> int:
    """Columns of the program's side: what its lines take, as long as peers have room."""
    own = [told for told in story if told.line.actor != "peer"]
    longest = max((len(line) for told in own for line in _lines(told, _MOST)), default=0)
    theirs = [told.line for told in story if told.line.actor == "peer"]
    room = max([_LEAST, *(len(line) for told in theirs for line in fitted(told, max(_LEAST, width // 3)))])
    return max(_LEAST, min(longest, width - len(_BETWEEN) - room))


def _lines(told: Told, room: int) -> list[str]:
    """A line, and below it the bytes that it moved."""
    lines = fitted(told.line, room, is_cut=False)
    indent = _number(told.line) + _INDENT
    return [*lines, *(f"{'':{indent}}{text}" for text in dumped(told.data, told.size, room - indent))]


def _number(line: Line) -> int:
    return len(f"{line.place.line}  ") if line.place else 0
