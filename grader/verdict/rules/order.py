"""Bytes that go out before others that have waited longer."""

from __future__ import annotations

from collections.abc import Iterator

from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rules import Finding, explains

#: So many bytes of a line tell where in a stream it stands.
_TELLING = 8


@explains
def overtaken(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A new line is sent while the rest of an earlier one still waits."""
    talk = evidence.wronged
    if failure.kind not in ("bytes", "hang") or talk is None or talk.owed.startswith(talk.came):
        return
    place = talk.differs_at
    newer = talk.came[place : place + _TELLING]
    call = talk.sender_of(place)
    if call is None or len(newer) < _TELLING or talk.owed.find(newer, place) < 0:
        return
    before = [c for c in talk.calls if c.any_of("send") and c.done and c.index < call.index]
    short = next((c for c in reversed(before) if c.errno == "EAGAIN" or 0 <= c.result < c.args[0]), None)
    if short is not None:
        yield Finding(
            call.index, ("lost-tail",),
            f"{evidence.place(call)} {call.name}() sends a newer line before the rest of an earlier one, which "
            f"{short.name}() at {evidence.place(short)} had not taken",
            (call, short), "send(2), RETURN VALUE",
        )  # fmt: skip
