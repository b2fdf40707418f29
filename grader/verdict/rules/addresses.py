"""Names and addresses: candidates, their list, their errors."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator

from grader.trace.reader import Call, eai_name
from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, ended, explains, violation, when_returned

#: Errors of connect() that say nothing of the address: it goes on, or time is up.
_NO_ANSWER = ("EINTR", "EINPROGRESS", "EALREADY", "EAGAIN")
#: Errors of socket() that say that an address is of no use here, and another may be.
_NO_SUCH_FAMILY = ("EAFNOSUPPORT", "EPROTONOSUPPORT")


@explains
def one_family(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Only addresses of one family are asked for, and the others are needed (M15)."""
    if failure.kind not in ("unmet", "outcome", "bytes"):
        return
    names = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
    for call in evidence.calls:
        if call.name != "getaddrinfo" or call.args[0] not in names or not call.payload.partition(b"\0")[0]:
            continue
        if evidence.families - {call.args[0]}:
            yield Finding(
                call.index, ("one-family",),
                f"{evidence.place(call)} getaddrinfo() is asked for {names[call.args[0]]} addresses alone",
                (call,), "getaddrinfo(3), AF_UNSPEC",
            )  # fmt: skip


@explains
def family_of_the_machine(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Addresses of a family are left out because the machine has none of it."""
    if failure.kind not in ("outcome", "unmet", "bytes") or not evidence.lacks:
        return
    for call in evidence.calls:
        if call.name == "getaddrinfo" and call.done and call.args[2] & socket.AI_ADDRCONFIG:
            yield Finding(
                call.index, (),
                f"{evidence.place(call)} getaddrinfo(AI_ADDRCONFIG) leaves out all {evidence.lacks} addresses where "
                "the machine itself has none but loopback, as in this check",
                (call,), "getaddrinfo(3), AI_ADDRCONFIG",
            )  # fmt: skip
            return


@explains
def numbers_alone(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """getaddrinfo() is asked not to look a name up, and is given one."""
    for call in evidence.calls:
        _host, _, service = call.payload.partition(b"\0") if call.name == "getaddrinfo" else (b"", b"", b"")
        is_named = service.rstrip(b"\0") and not service.rstrip(b"\0").isdigit()
        if call.done and call.result and call.args[2] & socket.AI_NUMERICSERV and is_named:
            yield Finding(
                call.index, (),
                f"{evidence.place(call)} getaddrinfo() is asked for a number (AI_NUMERICSERV) and given the name of "
                f"a service, {service.rstrip(bytes(1)).decode(errors='replace')!r}",
                (call,), "getaddrinfo(3), AI_NUMERICSERV",
            )  # fmt: skip
            return


@explains
def first_address_only(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The first address fails and no other is tried (M14)."""
    if evidence.addresses < 2:
        return
    for run in evidence.runs:
        if run.succeeded and isinstance(run.outcome["returned"], dict):
            continue  # it has returned a socket, be it the wrong one: another story
        calls = evidence.during(run)
        without = [c for c in calls if c.name == "socket" and c.errno in _NO_SUCH_FAMILY]
        tried = [c for c in calls if c.name == "connect" and c.done]
        told = [c for c in calls if c.told_error]  # of a connect in the background
        last = max([*tried[-1:], *told[-1:], *without[-1:]], key=lambda call: call.index, default=None)
        if last is None or any(c.name in ("socket", "bind") and c.index > last.index for c in calls):
            continue
        failed = (last.failed and last.errno not in _NO_ANSWER) or last in told
        if failed and run.outcome is not None:
            count = len({c.address for c in tried}) + len(without)
            if count < evidence.addresses:
                what = "told that connect() had failed" if last in told else ended(evidence, last)
                yield Finding(
                    last.index, ("first-address-only",),
                    f"{evidence.place(last)} {last.name}() {what}, and {run.function}() gave up "
                    f"after {count} of {evidence.addresses} addresses",
                    (last,), "getaddrinfo(3)",
                )  # fmt: skip


@explains
def lost_eai_code(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """getaddrinfo() failed, and the caller does not learn why (M11)."""
    if failure.kind not in ("success", "broke", "outcome", "unmet", "refused", "died"):
        return
    for run in evidence.runs:
        calls = [c for c in evidence.during(run) if c.name == "getaddrinfo" and c.done]
        if calls and calls[-1].result != 0 and not _is_told(evidence, run, calls, failure):
            last, died = calls[-1], failure.kind == "died"
            yield Finding(
                last.index, () if died else ("lost-eai-code",),
                f"{evidence.place(last)} getaddrinfo() {_refusal(evidence, last)}, "
                f"and {_told(evidence, run, failure)}",
                (last,), "getaddrinfo(3), RETURN VALUE",
            )  # fmt: skip
            return


def _is_told(evidence: Evidence, run: Run, calls: list[Call], failure: Failure) -> bool:
    """Whether the caller has learned of it as the contract says."""
    raised = run.raised
    if raised is None or evidence.source.language != "c":
        return raised is not None and "gaierror" in raised["bases"]
    # C: an errno, or the code itself where the contract returns it.
    told = raised["errno"] in {call.result for call in calls}
    return told or (raised["class"] != "gaierror" and not any(name.startswith("EAI_") for name in failure.errors))


def _refusal(evidence: Evidence, call: Call) -> str:
    name = eai_name(call.result)
    return f"raised socket.gaierror ({name})" if evidence.source.language == "python" else f"returned {name}"


def _told(evidence: Evidence, run: Run, failure: Failure) -> str:
    if run.succeeded:
        return answer(evidence, run)
    if run.outcome and "broke" in run.outcome:
        return f"{run.function}() {run.outcome['broke']}"
    if run.outcome and "raised" in run.outcome:
        raised = run.outcome["raised"]
        if evidence.source.language == "c":
            code = eai_name(raised["errno"]) if raised["class"] == "gaierror" else "EAI_SYSTEM"
            return f"{run.function}() returned {code}"
        return f"{run.function}() raised {raised['class']} instead of socket.gaierror"
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
                    f"the list that getaddrinfo() made at {evidence.place(call)} is never freed by freeaddrinfo()",
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
            if host not in ("0.0.0.0", "::", failure.address):
                yield Finding(
                    call.index, ("not-passive",),
                    f"{evidence.place(call)} bind() names {host} alone; a server binds every local address",
                    (call,), "getaddrinfo(3), AI_PASSIVE",
                )  # fmt: skip


@explains
def passive_without_flag(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Addresses to listen on are asked for without AI_PASSIVE (M13)."""
    if failure.kind != "outcome":
        return
    for run in evidence.runs:
        listed = _listed(run)
        if not any(line.startswith(("127.", "[::1]", "::1")) for line in listed):
            continue
        for call in evidence.during(run):
            nameless = call.name == "getaddrinfo" and not call.payload.partition(b"\0")[0]
            if nameless and not call.args[2] & socket.AI_PASSIVE:
                yield Finding(
                    call.index, ("not-passive",),
                    f"{evidence.place(call)} getaddrinfo() without a host and without AI_PASSIVE gives loopback "
                    "addresses",
                    (call,), "getaddrinfo(3), AI_PASSIVE",
                )  # fmt: skip


@explains
def any_socktype(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Addresses of every type of socket, where those of one are wanted (M16)."""
    run = evidence.run
    if run is None or not (listed := _listed(run)):
        return
    counts = Counter(listed)
    repeated = counts[listed[0]] > 1 and len(set(counts.values())) == 1
    found = failure.kind == "success" and bool({"EAI_SERVICE", "gaierror"}.intersection(failure.errors))
    if not repeated and not found:
        return
    for call in evidence.during(run):
        if call.name == "getaddrinfo" and call.done and call.result == 0 and call.args[1] == 0:
            what = "gives each address once for each type" if repeated else "finds a service of datagrams, too"
            yield Finding(
                call.index, ("any-socktype",),
                f"{evidence.place(call)} getaddrinfo() is asked for any type of socket (ai_socktype is 0), and {what}",
                (call,), "getaddrinfo(3), ai_socktype",
            )  # fmt: skip


#: An address that the kernel completes, of a machine that has all of them.
_ANY_PORT = (("0.0.0.0", 0), ("::", 0))


@explains
def port_of_the_kernels_choice(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A server is at port 0, although it was given another one."""
    for life in evidence.descriptors:
        bind, waits = life.succeeded("bind"), life.first("listen") or life.first("recv")
        if (
            bind is not None
            and bind.address in _ANY_PORT
            and waits
            and not (life.first("send") or life.first("connect"))
        ):
            yield Finding(
                bind.index, (),
                f"{evidence.place(bind)} bind() names port 0, for which the kernel chooses another one: nobody finds "
                "the server there",
                (bind,), "ip(7), Address format",
            )  # fmt: skip


@explains
def listens_on_datagrams(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """One of these addresses is of datagrams, and is listened at."""
    for life in evidence.descriptors:
        listen = life.first("listen")
        if listen is None or listen.errno != "EOPNOTSUPP" or listen.injected or not life.has_datagrams:
            continue
        asked = [c for c in evidence.calls if c.name == "getaddrinfo" and c.index < listen.index and c.args[1] == 0]
        why = f": getaddrinfo() at {evidence.place(asked[-1])} was asked for any type of socket" if asked else ""
        yield Finding(
            asked[-1].index if asked else listen.index, ("any-socktype",),
            f"{evidence.place(listen)} listen() {ended(evidence, listen)}: {evidence.name_of(life)} is a datagram "
            f"socket{why}",
            (listen, *asked[-1:]), "getaddrinfo(3), ai_socktype" if asked else "listen(2)",
        )  # fmt: skip


def _listed(run: Run) -> list[str]:
    """What a function that lists addresses has returned."""
    returned = (run.outcome or {}).get("returned")
    return [line for line in returned if isinstance(line, str)] if isinstance(returned, list) else []


_HINTS = ("ai_family", "ai_socktype", "ai_flags", "ai_protocol")


@explains
def dirty_hints(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Fields of the hints hold what happened to be in memory (M12)."""
    for call in evidence.calls:
        if call.name != "getaddrinfo" or not call.done or call.result == 0 or call.injected:
            continue
        fields = zip(_HINTS, call.args, (0xFF, 0xFF, 0xFFFF, 0xFFFF), strict=True)
        field = next((f"{name} of its hints is {value}" for name, value, most in fields if not 0 <= value <= most), "")
        if field:
            yield Finding(
                call.index - 0.5, ("dirty-hints",),
                f"{evidence.place(call)} getaddrinfo() failed: {field}, which nothing has assigned",
                (call,), "getaddrinfo(3), hints",
            )  # fmt: skip


@explains
def swapped_port(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A port in host byte order (M01)."""
    for call in evidence.calls:
        if (call.name in ("bind", "connect") or call.any_of("send")) and call.address and evidence.port:
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
    for life in evidence.descriptors:
        bind = life.first("bind")
        if bind is None or bind.errno != "EADDRINUSE" or bind.injected or not evidence.time_wait:
            continue
        options = [c for c in life.calls if c.name == "setsockopt" and c.args[1] == socket.SO_REUSEADDR]
        before = [c for c in options if c.index < bind.index]
        if any(not c.failed and c.args[2] for c in before):
            continue
        elsewhere = [c for c in evidence.calls if c.name == "setsockopt" and c.args[1] == socket.SO_REUSEADDR]
        words = "SO_REUSEADDR was never set"
        if before:
            words = f"setsockopt(SO_REUSEADDR) at {evidence.place(before[0])} failed, or set it to 0"
        elif options:
            words = f"SO_REUSEADDR was set too late, at {evidence.place(options[0])}"
        elif elsewhere:
            words = f"SO_REUSEADDR was set on another socket, at {evidence.place(elsewhere[0])}"
        elif other := [c for c in life.calls if c.option == "SO_REUSEPORT" and c.index < bind.index]:
            words = f"{words}: SO_REUSEPORT, at {evidence.place(other[0])}, is another option"
        elif any("SO_REUSEADDR" in line for line in evidence.source.text.splitlines()[bind.line or 0 :]):
            words = "SO_REUSEADDR had not been set yet: after bind() it is too late"
        yield Finding(
            bind.index, ("no-reuse-address",),
            f"{evidence.place(bind)} bind() {ended(evidence, bind)}: a connection lingers in TIME_WAIT, and {words}",
            (bind,), "socket(7), SO_REUSEADDR",
        )  # fmt: skip
