"""Bytes that go out before others that have waited longer."""

from __future__ import annotations

from collections.abc import Iterator

from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, explains
from grader.verdict.talk import Talk

#: So many bytes of what was kept back are known again when they come.
_LEFT = 16


@explains
def overtaken(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A new line is sent while the rest of an earlier one still waits."""
    talk = evidence.wronged
    if failure.kind not in ("bytes", "hang") or talk is None or talk.owed.startswith(talk.came):
        return
    place = talk.differs_at
    start, end = talk.came.rfind(b"\n", 0, place) + 1, talk.came.find(b"\n", place) + 1
    call = talk.sender_of(place)
    if call is None:
        return
    # it came instead of another line, or of the rest of one, which may begin with the same bytes
    firsts = (start, place, talk.first_of(call))
    is_newer = any(talk.owed.find(b"\n" + talk.came[first:end], place) >= 0 for first in firsts if 0 <= first < end)
    if not (is_newer or _is_inserted(talk, start, place, end)):
        return
    before = [c for c in talk.calls if c.any_of("send") and c.done and c.index < call.index]
    words = "a newer line before the rest of an earlier one" if is_newer else "a line before the rest of another one"
    short = next((c for c in reversed(before) if c.leaves_a_rest), None)
    if short is not None:
        yield Finding(
            call.index, ("lost-tail",),
            f"{evidence.place(call)} {call.name}() sends {words}, which "
            f"{short.name}() at {evidence.place(short)} had not taken",
            (call, short), "send(2), RETURN VALUE", particular=True,
        )  # fmt: skip
    elif before and talk.owed[place:][:_LEFT] in talk.came[place:]:  # it was kept back, and not lost
        sentence = f"{evidence.place(call)} {call.name}() sends {words}, which the program still keeps"
        yield Finding(call.index, (), sentence, (call, before[-1]), "send(2)")


def _is_inserted(talk: Talk, start: int, place: int, end: int) -> bool:
    """Whether a whole line has come in the middle of another one, which is whole without it.

    Args:
        start, place, end: in what has come, where the other line begins, is broken
            off and goes on.
    """
    rest = talk.came[end:].partition(b"\n")[0] + b"\n"
    owed = b"\n" + talk.owed
    lines = (talk.came[place:end], talk.came[start:place] + rest)
    return start < place < end and all(b"\n" + line in owed for line in lines)
