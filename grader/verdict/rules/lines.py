"""Lines: what lies between two reads, and what their endings are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, ended, explains
from grader.verdict.words import counted

#: What an answer that only one mistake gives says of the bytes it came from.
_BROUGHT = {
    "lost-remainder": "brought more than one line, and what followed the first was not kept",
    "newest-chunk-only": "brought new bytes, and the line ending was looked for in these alone; the one that had "
    "come before them was passed over",
    "bare-cr": "brought a CR that no LF follows, so it belongs to the line, and it was taken away",
    "small-buffer": "brought a line that is larger than the caller's buffer, and the part that fits was returned "
    "without an error",
}


@explains
def passed_over_cr(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The CR of an ending is not seen where its LF comes later (M65)."""
    difference = failure.difference
    if failure.kind != "outcome" or difference is None or difference.actual != difference.expected + b"\r":
        return
    brought = [c for c in evidence.during(evidence.runs[-1]) if c.any_of("recv") and c.done and c.result > 0]
    for before, call in itertools.pairwise(brought):
        if before.payload[: before.result].endswith(b"\r") and call.payload.startswith(b"\n"):
            yield Finding(
                call.index, ("newest-chunk-only",),
                f"{evidence.place(call)} {call.name}() brought an LF whose CR had come before it, and the CR was left "
                "in the line",
                (call, before), "recv(2)",
            )  # fmt: skip
            return


@explains
def misread_line(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A line that only one mistake makes of what was sent (M65, M66)."""
    brought = [c for c in evidence.calls if c.any_of("recv") and c.done and c.result > 0]
    if failure.gap not in _BROUGHT or not brought:
        return
    last = brought[-1]
    yield Finding(
        last.index, (failure.gap,), f"{evidence.place(last)} {last.name}() {_BROUGHT[failure.gap]}", (last,)
    )  # fmt: skip


@explains
def lost_last_line(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What has come before end-of-file without an ending is a line too."""
    if failure.gap != "lost-last-line":
        return
    end = next((c for c in reversed(evidence.calls) if c.any_of("recv") and c.done and c.result == 0), None)
    if end is not None:
        yield Finding(
            end.index, ("lost-last-line",),
            f"{evidence.place(end)} {end.name}() {ended(evidence, end)}, and the bytes that had come after the last "
            "line ending were not returned",
            (end,), "recv(2), RETURN VALUE",
        )  # fmt: skip


@explains
def one_byte_recv(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A system call for every byte."""
    if failure.kind != "byte-by-byte":
        return
    made = [c for c in evidence.calls if c.any_of("recv") and c.done and c.result > 0]
    small = next((c for c in made if c.args[0] == 1), None)
    if small is not None:
        yield Finding(
            small.index, ("one-byte-recv",),
            f"{evidence.place(small)} {small.name}() is asked for one byte at a time: {failure.sentence}",
            (small,), "recv(2)",
        )  # fmt: skip


@explains
def kept_line(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A line is there, whole, and the program waits for more."""
    runs = [run for run in evidence.runs if run.function == "read_line"]
    if failure.kind != "hang" or len(evidence.lent) != 1 or not runs or runs[-1].outcome is not None:
        return
    blocked = next((c for c in reversed(evidence.calls) if not c.done and c.any_of("recv")), None)
    taken = [c for c in evidence.calls if c.any_of("recv") and c.done and c.result > 0]
    received = b"".join(c.payload[: c.result] for c in taken)
    *lines, _rest = received.split(b"\n")
    if blocked is None or len(received) < sum(c.result for c in taken) or len(lines) < len(runs):
        return
    line = lines[len(runs) - 1].removesuffix(b"\r")
    what = f"a line of {counted(len(line))}" if line else "an empty line"
    if b"\0" in line and evidence.source.language == "c":
        what += f" with a zero at byte {line.index(0) + 1}, where a string would end,"
    yield Finding(
        blocked.index, (),
        f"{evidence.place(blocked)} {blocked.name}() waits for more, although {what} has come whole and has not been "
        "returned",
        (blocked, taken[-1]), "recv(2)",
    )  # fmt: skip


@explains
def overlong_line(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A line that is too long already, and the program waits for its end."""
    run = evidence.run
    if failure.kind != "hang" or run is None or run.function != "read_line":
        return
    blocked = next((c for c in reversed(evidence.calls) if not c.done and c.any_of("recv")), None)
    taken = sum(c.result for c in evidence.during(run) if c.any_of("recv") and c.done and c.result > 0)
    if blocked is not None and taken > 1024:
        yield Finding(
            blocked.index, ("overlong-line",),
            f"{evidence.place(blocked)} {blocked.name}() waits for the end of a line that is too long already: {taken} "
            "bytes of it have come",
            (blocked,), "recv(2)",
        )  # fmt: skip
