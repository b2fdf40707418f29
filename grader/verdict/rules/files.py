"""Files that a function writes: what becomes of them, and of what their calls report."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, called, explains

_OPENS = ("open", "fopen", "mkstemp")


@explains
def left_file(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A function that has failed leaves the file that it has made."""
    run = evidence.run
    if failure.kind != "left-path" or run is None or not run.raised:
        return
    if (call := _opening(evidence, run)) is not None:
        gaps = ("late-check", "left-file") if _refused(run) else ("left-file",)
        sentence = f"{called(evidence, call)} makes a file, which is still there when {answer(evidence, run)}"
        yield Finding(call.index, gaps, sentence, (call,), "unlink(2)", particular=True)


@explains
def late_check(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A file is emptied, and then its arguments are called bad."""
    run = evidence.run
    if failure.kind != "path-touched" or run is None or not _refused(run) or _removing(evidence, run) is not None:
        return
    if (call := _opening(evidence, run)) is not None:
        sentence = f"{called(evidence, call)} empties the file that is there, and then {answer(evidence, run)}"
        yield Finding(call.index, ("late-check",), sentence, (call,), "open(2), O_TRUNC", particular=True)


@explains
def removed_file(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A file that was there before is removed when writing it has failed."""
    run = evidence.run
    if failure.kind != "path-touched" or run is None or not run.raised:
        return
    if (call := _removing(evidence, run)) is not None:
        sentence = f"{called(evidence, call)} removes a file that was there before {run.function}() was called"
        yield Finding(call.index, ("removed-file",), sentence, (call,), "open(2), O_EXCL", particular=True)


@explains
def lost_write(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A write has failed, or taken a part, and the function reports success."""
    run = evidence.run
    if failure.kind != "success" or run is None:
        return
    for call in evidence.during(run):
        if call.name in ("fwrite", "fclose", "close") and call.failed:
            how = f"fails with {call.errno}"
        elif call.name == "fwrite" and call.done and call.result < call.arg("size") * call.arg("count") > call.result:
            if evidence.source.language == "c":
                continue
            how = f"takes {call.result} of {call.arg('count')} bytes"
        else:
            continue
        sentence = f"{called(evidence, call)} {how}, and {answer(evidence, run)}"
        yield Finding(call.index, ("lost-write",), sentence, (call,), particular=True)


@explains
def cut_file(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A short count is taken for the end of a file, where the file ends too early."""
    run = evidence.run
    if failure.kind != "success" or failure.gap != "cut-file" or evidence.source.language != "c":
        return  # in Python a buffer asks for more than the program does
    reads = [call for call in evidence.during(run) if call.name == "fread" and call.done and not call.failed]
    if reads and reads[-1].result < (asked := reads[-1].arg("count")):
        sentence = f"{called(evidence, reads[-1])} returns {reads[-1].result} of {asked}, and {answer(evidence, run)}"
        yield Finding(reads[-1].index, ("cut-file",), sentence, (reads[-1],), particular=True)


@explains
def missed_error(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A read has failed, and the function says that the file is not what it should be."""
    run = evidence.run
    if run is None or not _refused(run) or failure.kind != "outcome":
        return
    for call in evidence.during(run):
        if call.name in ("fread", "fopen", "open") and call.failed and call.errno in failure.errors:
            sentence = f"{called(evidence, call)} fails with {call.errno}, and {answer(evidence, run)}"
            yield Finding(call.index, ("missed-error",), sentence, (call,), "ferror(3)", particular=True)


def _refused(run: Run) -> bool:
    """Whether a function has called its arguments, or a file, bad."""
    raised = run.raised or {}
    return "ValueError" in raised.get("bases", ()) or raised.get("errno") == errno.EINVAL


def _opening(evidence: Evidence, run: Run) -> Call | None:
    """The call that has opened a file for writing."""
    calls = [c for c in evidence.during(run) if c.name in _OPENS and c.done and not c.failed]
    return next((c for c in calls if c.name != "open" or c.arg("flags") & os.O_ACCMODE != os.O_RDONLY), None)


def _removing(evidence: Evidence, run: Run) -> Call | None:
    """The call that has removed the function's file, or else the last one that has removed any."""
    calls = [c for c in evidence.during(run) if c.name in ("unlink", "rmdir", "rename") and c.done and not c.failed]
    return next((c for c in calls if run.path in c.paths), calls[-1] if calls else None)
