"""Two families of addresses: who is listened to, and what a client is called."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure
from grader.verdict.rule import Finding, answer, ended, explains

#: Bytes of a sockaddr_in6: what accept() wants to write.
_LONG_ADDRESS = 28
#: INET_ADDRSTRLEN: room for the text of an IPv4 address.
_SHORT_TEXT = 16


def _v6only(life: Descriptor, before: Call) -> Call | None:
    """The call that has set IPV6_V6ONLY before another one."""
    options = (c for c in life.calls if c.name == "setsockopt" and c.option == "IPV6_V6ONLY" and not c.failed)
    return next((call for call in options if call.index < before.index), None)


@explains
def deaf_family(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A client of one family is refused, where the program listens to the other alone (M18)."""
    if failure.kind != "refused" or not failure.address:
        return
    wanted = socket.AF_INET6 if ":" in failure.address else socket.AF_INET
    listening = [life for life in evidence.descriptors if life.is_listening]
    if not listening or wanted in [life.family for life in listening]:
        return
    life = listening[0]
    bind = life.succeeded("bind")
    if wanted == socket.AF_INET6:
        yield Finding(
            life.made.index, ("one-family",),
            f"{evidence.place(life.made)} socket() makes an AF_INET socket, and there is no other that listens: it "
            f"cannot be reached at {failure.address}",
            (life.made,), "ipv6(7)", particular=True,
        )  # fmt: skip
    elif bind is not None and (option := _v6only(life, bind)):
        yield Finding(
            option.index, ("one-family",),
            f"{evidence.place(option)} setsockopt(IPV6_V6ONLY) keeps IPv4 clients away, and no AF_INET socket listens "
            "to them",
            (option, life.made), "ipv6(7), IPV6_V6ONLY", particular=True,
        )  # fmt: skip
    elif bind is not None:
        yield Finding(
            bind.index, ("implicit-v6only",),
            f"{evidence.place(bind)} bind(): IPV6_V6ONLY was not set on this socket before; its default is 1 here "
            "(net.ipv6.bindv6only), so that IPv4 clients are refused",
            (bind, life.made), "ipv6(7), IPV6_V6ONLY", particular=True,
        )  # fmt: skip


@explains
def both_want_the_port(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The second of two sockets finds its port taken by the first (M19)."""
    lives = [life for life in evidence.descriptors if life.family in (socket.AF_INET, socket.AF_INET6)]
    for life in lives:
        refused = next((c for c in life.calls if c.errno == "EADDRINUSE" and not c.injected), None)
        if refused is None:
            continue
        for other in lives:
            bind = other.succeeded("bind")
            if bind is None or bind.index > refused.index or other.family == life.family:
                continue
            six = life if life.family == socket.AF_INET6 else other
            named = six.first("bind")
            is_open = other.closed is None or other.closed.index > refused.index
            if is_open and named is not None and _v6only(six, named) is None:
                yield Finding(
                    refused.index, ("implicit-v6only",),
                    f"{evidence.place(refused)} {refused.name}() {ended(evidence, refused)}: IPV6_V6ONLY was not set "
                    "before the IPv6 socket was bound; its default is 0 here, so that this socket wants the IPv4 "
                    "port, too",
                    (refused, named), "ipv6(7), IPV6_V6ONLY", particular=True,
                )  # fmt: skip


@explains
def taken_port(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The port is taken in one family, and the server goes on with the other."""
    run = evidence.run
    if failure.kind != "hang" or run is None or run.endless:
        return
    for life in evidence.descriptors:
        refused = next((c for c in life.calls if c.errno == "EADDRINUSE" and not c.injected), None)
        other = {socket.AF_INET: socket.AF_INET6, socket.AF_INET6: socket.AF_INET}.get(life.family)
        if refused is not None and any(it.is_listening and it.family == other for it in evidence.descriptors):
            yield Finding(
                refused.index, (),
                f"{evidence.place(refused)} {refused.name}() {ended(evidence, refused)}, and {run.function}() goes on "
                "with the other family: a port that is taken in either of them was to be reported",
                (refused,), "bind(2)",
            )  # fmt: skip


@explains
def needs_ipv6(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A machine without IPv6 is not served, though it has IPv4."""
    for run in evidence.runs:
        sockets = [c for c in evidence.during(run) if c.name == "socket" and c.done]
        without = next((c for c in sockets if c.errno == "EAFNOSUPPORT" and c.arg("domain") == socket.AF_INET6), None)
        if without is None or run.outcome is None or run.succeeded:
            continue
        later = [c for c in sockets if c.index > without.index and c.failed]
        if not later:
            yield Finding(
                without.index, ("needs-ipv6",),
                f"{evidence.place(without)} socket() {ended(evidence, without)}: there is no IPv6 here; and "
                f"{answer(evidence, run)}, although IPv4 could be served",
                (without,), "socket(2), ERRORS", particular=True,
            )  # fmt: skip


@explains
def cut_address(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """accept() has room for less than the address of an IPv6 client (M21)."""
    if evidence.source.language != "c":
        return
    for life in evidence.descriptors:
        if life.family != socket.AF_INET6 or not life.is_listening:
            continue
        for call in life.calls:
            if call.any_of("accept") and call.done and not call.failed and 0 <= call.arg("room") < _LONG_ADDRESS:
                yield Finding(
                    call.index, ("small-sockaddr", "stale-addrlen"),
                    f"{evidence.place(call)} {call.name}() may write {call.arg('room')} bytes of the client's address, "
                    f"which has {_LONG_ADDRESS}: the rest of it is what lay there before",
                    (call,), "accept(2)",
                )  # fmt: skip
                return


@explains
def told_address(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A client is told another address than its own (M20)."""
    for life in evidence.accepted:
        named = next((c for c in (life.made, *life.calls) if c.address and c.name != "setsockopt"), None)
        told = life.succeeded("send")
        if named is None or told is None:
            continue
        true, is_mapped = _written(named.address[0])
        text = told.payload[: told.result].decode("latin-1")
        if true.startswith(text) or true.encode() not in {talk.owed or talk.heard for talk in evidence.talks}:
            continue
        gaps: tuple[str, ...] = ()
        words = f"{evidence.place(told)} {told.name}() tells the client {text!r}; its address is {true}"
        if is_mapped and text.startswith("::ffff:"):
            gaps = ("mapped-address",)
            words = f"{words}, which a socket for both families shows as a mapped one"
        elif _is_the_same(text, true):
            words = f"{words}, as inet_ntop() writes it"
        elif not is_mapped and ("::ffff:" in true or "." in true) and ":" in true:
            gaps = ("text-strip",)
            words = f"{words}, which is no mapped one"
        yield Finding(told.index, gaps, words, (told, life.made), "ipv6(7)" if gaps else "inet_ntop(3)")


@explains
def no_room_for_it(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The text has room for an IPv4 address, and the client's is longer."""
    if "INET_ADDRSTRLEN" not in evidence.source.text or evidence.wronged is None:
        return
    for life in evidence.accepted:
        true = life.made.address[0] if life.made.address else ""
        if evidence.wronged.owed == true.encode() and len(true) >= _SHORT_TEXT and life.succeeded("send") is None:
            yield Finding(
                life.made.index, (),
                f"the client of {life.made.name}() at {evidence.place(life.made)} is told nothing: {true} has no room "
                f"in the {_SHORT_TEXT} bytes of INET_ADDRSTRLEN",
                (life.made,), "inet_ntop(3)",
            )  # fmt: skip


def _is_the_same(text: str, true: str) -> bool:
    """Whether both texts are one address."""
    try:
        return ipaddress.ip_address(text) == ipaddress.ip_address(true)
    except ValueError:
        return False


def _written(host: str) -> tuple[str, bool]:
    """What a client is to be told, and whether its address is a mapped one."""
    mapped = getattr(ipaddress.ip_address(host), "ipv4_mapped", None)
    return (str(mapped), True) if mapped else (host, False)
