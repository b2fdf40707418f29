"""Names and addresses: candidates, their list, their errors."""

from __future__ import annotations

from collections.abc import Iterator

from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.rules import Finding, explains, violation, when_returned


@explains
def one_family(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Only addresses of one family are asked for, and the others are needed (M15)."""
    import socket

    if failure.kind not in ("unmet", "outcome", "bytes") or evidence.addresses < 2:
        return
    names = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
    for call in evidence.calls:
        if call.name == "getaddrinfo" and call.args[0] in names and call.payload.partition(b"\0")[0]:
            yield Finding(
                call.index, ("one-family",),
                f"{evidence.place(call)} getaddrinfo() is asked for {names[call.args[0]]} addresses alone",
                (call,), "getaddrinfo(3), AF_UNSPEC",
            )  # fmt: skip


@explains
def first_address_only(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The first address fails and no other is tried (M14)."""
    if evidence.addresses < 2:
        return
    for run in evidence.runs:
        calls = evidence.during(run)
        tried = [c for c in calls if c.name == "connect" and c.done]
        if tried and tried[-1].failed and tried[-1].errno != "EINTR" and run.outcome is not None:
            distinct = {c.address for c in tried}
            if len(distinct) < evidence.addresses:
                last = tried[-1]
                yield Finding(
                    last.index, ("first-address-only",),
                    f"{evidence.place(last)} connect() failed with {last.errno}, and {run.function}() gave up "
                    f"after {len(distinct)} of {evidence.addresses} addresses",
                    (last,), "getaddrinfo(3)",
                )  # fmt: skip


@explains
def lost_eai_code(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """getaddrinfo() failed, and the caller does not learn why (M11)."""
    if failure.kind not in ("success", "broke", "outcome", "unmet", "refused", "died"):
        return
    for run in evidence.runs:
        for call in evidence.during(run):
            if call.name == "getaddrinfo" and call.done and call.result != 0 and not _is_told(evidence, run):
                yield Finding(
                    call.index, ("lost-eai-code",),
                    f"{evidence.place(call)} getaddrinfo() failed, and {_told(evidence, run, failure)}",
                    (call,), "getaddrinfo(3), RETURN VALUE",
                )  # fmt: skip
                return


def _is_told(evidence: Evidence, run: Run) -> bool:
    """Whether the caller has learned of it as the contract says."""
    raised = (run.outcome or {}).get("raised")
    return raised is not None and (evidence.source.language == "c" or "gaierror" in raised["bases"])


def _told(evidence: Evidence, run: Run, failure: Failure) -> str:
    if run.succeeded:
        return f"{run.function}() reported success"
    if run.outcome and "broke" in run.outcome:
        return f"{run.function}() {run.outcome['broke']}"
    if run.outcome and "raised" in run.outcome:
        return f"{run.function}() raised {run.outcome['raised']['class']} instead of socket.gaierror"
    return f"{run.function}() went on"


@violation
def addrinfo_leak(evidence: Evidence) -> Iterator[Finding]:
    """The list of getaddrinfo() is never freed (M17)."""
    if evidence.source.language != "c":
        return
    for run in evidence.runs:
        if run.outcome is None:
            continue
        calls = evidence.during(run)
        freed = {c.args[0] for c in calls if c.name == "freeaddrinfo"}
        for call in calls:
            if call.name == "getaddrinfo" and call.done and call.result == 0 and call.args[3] not in freed:
                yield Finding(
                    when_returned(run), ("addrinfo-leak",),
                    f"the address list of {evidence.place(call)} is never freed by freeaddrinfo()",
                    (call,), "getaddrinfo(3)",
                )  # fmt: skip


@explains
def not_passive(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Bound to the loopback address alone (M13)."""
    if failure.kind != "refused":
        return
    for call in evidence.calls:
        if call.name == "bind" and call.done and not call.failed and call.address:
            host = call.address[0]
            if host not in ("0.0.0.0", "::"):
                yield Finding(
                    call.index, ("not-passive",),
                    f"{evidence.place(call)} bind() names {host} alone; a server binds every local address",
                    (call,), "getaddrinfo(3), AI_PASSIVE",
                )  # fmt: skip


@explains
def swapped_port(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A port in host byte order (M01)."""
    for call in evidence.calls:
        if call.name in ("bind", "connect") and call.address and evidence.port:
            port = call.address[1]
            if port != evidence.port and port == int.from_bytes(evidence.port.to_bytes(2, "big"), "little"):
                yield Finding(
                    call.index, ("host-order-port",),
                    f"{evidence.place(call)} {call.name}() names port {port}, which is {evidence.port} with its bytes "
                    "swapped: htons() is missing",
                    (call,), "byteorder(3)",
                )  # fmt: skip


@explains
def no_reuse_address(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """bind() refused because of a connection that lingers in TIME_WAIT (M30, M31)."""
    import socket

    for life in evidence.descriptors:
        bind = life.first("bind")
        if bind is None or bind.errno != "EADDRINUSE" or bind.injected or not evidence.time_wait:
            continue
        options = [c for c in life.calls if c.name == "setsockopt" and c.args[1] == socket.SO_REUSEADDR]
        before = [c for c in options if c.index < bind.index]
        if any(not c.failed and c.args[2] for c in before):
            continue
        words = "without SO_REUSEADDR"
        if before:
            words = f"although {evidence.place(before[0])} setsockopt() was to set SO_REUSEADDR"
        elif options:
            words = f"before {evidence.place(options[0])} sets SO_REUSEADDR, which is too late"
        yield Finding(
            bind.index, ("no-reuse-address",),
            f"{evidence.place(bind)} bind() fails with EADDRINUSE {words}",
            (bind,), "socket(7), SO_REUSEADDR",
        )  # fmt: skip
