"""Servers: the order of the calls, and the socket that must not stay open."""

from __future__ import annotations

from collections.abc import Iterator

from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, explains


@explains
def open_listener(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The listening socket is still open when the client is served."""
    if failure.kind != "still-listening":
        return
    for life in evidence.descriptors:
        listen = life.succeeded("listen")
        if listen is None:
            continue
        served = next((c for c in evidence.calls if c.any_of("send") and c.index > listen.index), None)
        if served is not None and (life.closed is None or life.closed.index > served.index):
            later = "is never closed" if life.closed is None else f"is closed only at {evidence.place(life.closed)}"
            yield Finding(
                served.index, ("open-listener",),
                f"{evidence.place(served)} {served.name}() serves the client while the listening socket "
                f"{evidence.name_of(life)} is open; it {later}",
                (served, listen), "listen(2)",
            )  # fmt: skip


@explains
def wrong_phase(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A call that the socket is not ready for, or never will be (M25, M27)."""
    for life in evidence.descriptors:
        for call in life.calls:
            if call.injected or not call.failed:
                continue
            if call.any_of("accept") and call.errno == "EINVAL" and not life.is_listening:
                yield Finding(
                    call.index, ("missing-listen",),
                    f"{evidence.place(call)} accept() on {evidence.name_of(life)}, which listen() was never called on",
                    (call,), "listen(2)",
                )  # fmt: skip
            elif (call.any_of("send") or call.any_of("recv")) and life.is_listening:
                yield Finding(
                    call.index, ("listener-io",),
                    f"{evidence.place(call)} {call.name}() on {evidence.name_of(life)}, the listening socket; "
                    "the connection is what accept() returned",
                    (call,), "accept(2)",
                )  # fmt: skip
