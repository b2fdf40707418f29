"""Children that end in a way that their caller hears of."""

from __future__ import annotations

from collections.abc import Iterator

from grader.verdict.evidence import Evidence
from grader.verdict.rule import Finding, violation


@violation
def exit_in_a_child(evidence: Evidence) -> Iterator[Finding]:
    """A child ends with exit(), which is the caller's."""
    for call in evidence.calls:
        if call.name == "exit" and call.args[1] and call.pid != evidence.pid:
            yield Finding(
                call.index, (),
                f"{evidence.place(call)} exit() in a child runs what the caller has registered with atexit(), and "
                "writes once more what lies in its buffers; a child ends with _exit()",
                (call,), "_exit(2)",
            )  # fmt: skip
            return
