"""What the tracers keep of the program's frames with a call."""

from __future__ import annotations

import re

from grader.build.frames import Stack
from grader.trace.reader import Call, Trace


def stack_at(trace: Trace, call: Call) -> Stack | None:
    """The stack that C's tracer has kept; None if it has kept nothing."""
    return Stack.unpacked(trace.snapshot(call))


def frames_at(trace: Trace, call: Call) -> tuple[list[int], list[tuple[str, str]]]:
    """The lines of the frames, innermost first, and the values of the innermost
    one, that Python's recorder has kept (`grader.trace.python.snapshot`)."""
    lines, *words = trace.snapshot(call).decode(errors="replace").split("\0")
    return [int(line) for line in re.findall(r"\d+", lines)], list(zip(words[::2], words[1::2], strict=False))
