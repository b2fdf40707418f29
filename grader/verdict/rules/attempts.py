"""One attempt after the other: a socket that has failed, and time that has not passed."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure
from grader.verdict.rule import Finding, ended, explains

#: What a socket says whose connect() has failed, or that is of another family.
_SPENT = ("ECONNABORTED", "EINVAL", "EAFNOSUPPORT", "EISCONN")
#: What a call on a socket says whose connect() in the background has failed.
_NOT_CONNECTED = ("ECONNREFUSED", "ENOTCONN", "EPIPE", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT", "ECONNRESET")
#: What does not end an attempt.
_UNDER_WAY = ("EINPROGRESS", "EALREADY", "EINTR")


@explains
def one_socket_for_all(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The next address is tried on the socket that the one before was tried on."""
    if failure.kind not in ("outcome", "unmet", "success", "not-connected"):
        return
    for life in evidence.descriptors:
        connects = [c for c in life.calls if c.name == "connect" and c.done]
        for before, again in itertools.pairwise(connects):
            if again.errno in _SPENT and again.address != before.address and _has_failed(life, before, again):
                yield Finding(
                    before.index, (),
                    f"{evidence.place(again)} connect() to {_shown(again)} failed with {again.errno}: it was made on "
                    f"{evidence.name_of(life)}, whose connect() to {_shown(before)} had failed; each address needs a "
                    "socket of its own",
                    (again, before), "connect(2), NOTES",
                )  # fmt: skip
                return


def _has_failed(life: Descriptor, before: Call, again: Call) -> bool:
    """Whether a connection had come to nothing when the next one was begun."""
    between = [c for c in life.calls if before.index < c.index < again.index and c.name == "getsockopt"]
    return (before.failed and before.errno not in _UNDER_WAY) or bool(between)


def _shown(call: Call) -> str:
    return call.address[0] if call.address else "an address"


@explains
def gave_up_at_once(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """ETIMEDOUT is reported after waits that were given no time."""
    run = evidence.run
    raised = run.raised if run else None
    if failure.kind not in ("outcome", "unmet") or failure.errors or not raised or raised["errno"] != errno.ETIMEDOUT:
        return
    calls = evidence.during(run)
    waits = [c for c in calls if c.any_of("wait") and c.done]
    is_told = any(c.errno == "ETIMEDOUT" or c.told_error == errno.ETIMEDOUT for c in calls)
    if waits and not is_told and not any(c.args[1] for c in waits):
        first = waits[0]
        name = evidence.source.spelled(first) or first.name
        yield Finding(
            first.index, (),
            f"{evidence.place(first)} {name}() was given 0 ms, and {run.function}() reported "
            "ETIMEDOUT although no call had waited until the time was up",
            (first,), "poll(2)",
        )  # fmt: skip


@explains
def taken_for_connected(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A connect in the background has failed, nobody has asked, and the socket is used (M87)."""
    for life in evidence.descriptors:
        begun = next((c for c in life.calls if c.name == "connect"), None)
        if begun is None or begun.errno != "EINPROGRESS":
            continue
        after = [c for c in life.calls if c.index > begun.index]
        told = next((c for c in after if c.told_error is not None or c.name in ("connect", "getpeername")), None)
        used = next((c for c in after if c.any_of("send") or c.any_of("recv")), None)
        if used is None or used.errno not in _NOT_CONNECTED or used.injected or (told and told.index < used.index):
            continue
        yield Finding(
            used.index, ("writable-is-connected",),
            f"{evidence.place(used)} {used.name}() {ended(evidence, used)}: the connect() at {evidence.place(begun)} "
            "had failed; a socket is ready then, too, and SO_ERROR was not read",
            (used, begun), "connect(2), EINPROGRESS",
        )  # fmt: skip
