"""Memory that is used for the bytes of different connections."""

from __future__ import annotations

from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, explains

#: Bytes that hardly come on two connections by chance.
_TELLING = 4


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


@explains
def mixed_connections(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A function returns what has come on another connection than its own (a
    buffer of the class or of the file, not of the object)."""
    difference = failure.difference
    if failure.kind != "outcome" or difference is None or len(difference.actual) < _TELLING:
        return
    heard: dict[int, bytes] = {}
    for call in evidence.calls:
        if call.any_of("recv") and call.done and call.result > 0:
            heard[call.fd] = heard.get(call.fd, b"") + call.payload[: call.result]
    theirs = [fd for fd, data in heard.items() if difference.actual in data]
    if len(evidence.lent) > 1 and len(theirs) == 1 and difference.expected not in heard[theirs[0]]:
        call = next(c for c in evidence.calls if c.fd == theirs[0] and c.any_of("recv") and c.result > 0)
        yield Finding(
            call.index, (),
            f"{evidence.runs[-1].function}() returned what {evidence.place(call)} {call.name}() had received on "
            "another connection: the two share one buffer",
            (call,),
        )  # fmt: skip
