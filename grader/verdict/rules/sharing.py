"""Threads that use the same memory for the bytes of different clients."""

from __future__ import annotations

from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, explains


@explains
def shared_buffer(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Two threads receive at one address, one while the other is not done with it.

    C alone: records of Python's calls have no address.
    """
    if failure.kind not in ("bytes", "hang") or evidence.source.language != "c":
        return
    receives = [c for c in evidence.calls if c.name in ("recv", "read", "recvfrom") and c.done and c.result > 0]
    last = {(call.pid, call.tid): call.index for call in evidence.calls}
    # the first call of each thread, by the memory it received into
    users: dict[tuple[int, int], dict[int, Call]] = {}
    for later in receives:
        earlier_ones = users.setdefault((later.pid, later.args[2]), {})
        for earlier in earlier_ones.values():
            if earlier.tid != later.tid and last[earlier.pid, earlier.tid] > later.index:
                yield Finding(
                    later.index, ("shared-buffer",),
                    f"{evidence.place(later)} {later.name}() puts one client's bytes where another thread's are, "
                    "which it has not looked through: the threads share one buffer",
                    (later, earlier), "pthreads(7)",
                )  # fmt: skip
                return
        earlier_ones.setdefault(later.tid, later)
