"""Multicast: groups that are joined, addresses that are bound, how far a datagram goes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure
from grader.verdict.rule import Finding, ended, explains, violation
from grader.verdict.words import counted

#: What joins a group, by the number of an interface too (MCAST_JOIN_GROUP).
_JOINS = ("IP_ADD_MEMBERSHIP", "42")
#: Bytes of a struct ip_mreq: the group's address, and the interface's.
_MEMBERSHIP = 8
_LEAVES = ("IP_DROP_MEMBERSHIP", "45")


def _sockets(evidence: Evidence) -> list[Descriptor]:
    """The UDP sockets that the program has made."""
    return [
        life
        for life in evidence.descriptors
        if life.has_datagrams and not life.is_raw and life.family == socket.AF_INET
    ]


def _option(life: Descriptor, *names: str) -> Call | None:
    """The last call that has set one of these options."""
    calls = (c for c in life.calls if c.name == "setsockopt" and c.option in names and not c.failed)
    return max(calls, key=lambda call: call.index, default=None)


def _is_group(address: tuple[str, int] | None) -> bool:
    return address is not None and address[0].partition(".")[0].isdigit() and 224 <= int(address[0].split(".")[0]) < 240


def _is_shared(address: tuple[str, int] | None) -> bool:
    """Whether other listeners may want to have an address, too."""
    return _is_group(address) or (address is not None and address[0] == "0.0.0.0")


@explains
def never_joined(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A program waits for a group's datagrams, and is no member of it."""
    if failure.kind != "hang":
        return
    for life in _sockets(evidence):
        tried = next((c for c in life.calls if c.name == "setsockopt" and c.option in _JOINS), None)
        if tried is not None and tried.failed and not _option(life, *_JOINS):
            yield Finding(
                tried.index, (),
                f"{evidence.place(tried)} setsockopt(IP_ADD_MEMBERSHIP) {ended(evidence, tried)}, and the program "
                "waits for the group's datagrams all the same",
                (tried,), "ip(7), IP_ADD_MEMBERSHIP",
            )  # fmt: skip
            continue
        waits = next((c for c in life.calls if c.any_of("recv") and not c.done), None) or life.first("recv")
        bind = life.succeeded("bind")
        if waits is None or bind is None:
            continue
        joined, left = _option(life, *_JOINS), _option(life, *_LEAVES)
        if joined is None:
            yield Finding(
                waits.index, ("no-join",),
                f"{evidence.place(waits)} {waits.name}() waits for what is sent to the group, which no "
                "setsockopt(IP_ADD_MEMBERSHIP) has joined on this socket",
                (waits, bind), "ip(7), IP_ADD_MEMBERSHIP", particular=True,
            )  # fmt: skip
        elif left is not None and left.index > joined.index:
            yield Finding(
                left.index, ("no-join",),
                f"{evidence.place(left)} setsockopt({left.option}) leaves the group before anything has come",
                (left, joined), "ip(7), IP_DROP_MEMBERSHIP", particular=True,
            )  # fmt: skip


@explains
def chosen_by_route(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The kernel chooses the interface that a group is met through."""
    for life in _sockets(evidence):
        sent = next(
            (c for c in life.calls if c.any_of("send") and (_is_group(c.address) or life.first("connect"))), None
        )
        bind = life.succeeded("bind")
        if sent is not None and _option(life, "IP_MULTICAST_IF", "IP_PKTINFO") is None and bind is None:
            tried = next((c for c in life.calls if c.name == "setsockopt" and c.option == "IP_MULTICAST_IF"), None)
            why = f"setsockopt(IP_MULTICAST_IF) {ended(evidence, tried)}" if tried else "IP_MULTICAST_IF was not set"
            yield Finding(
                sent.index, ("any-interface",),
                f"{evidence.place(sent)} {sent.name}() leaves the interface to the kernel: {why}",
                (sent,), "ip(7), IP_MULTICAST_IF", particular=True,
            )  # fmt: skip
        joins = next((c for c in life.calls if c.name == "setsockopt" and c.option == "IP_ADD_MEMBERSHIP"), None)
        if joins is not None and joins.payload[4:8] == bytes(4):
            yield Finding(
                joins.index, ("any-interface",),
                f"{evidence.place(joins)} setsockopt(IP_ADD_MEMBERSHIP) names 0.0.0.0 for the interface, and so "
                "leaves it to the kernel",
                (joins,), "ip(7), IP_ADD_MEMBERSHIP", particular=True,
            )  # fmt: skip


@explains
def hears_others(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The socket is bound to more, or to less, than the group's address (M20)."""
    if failure.kind not in ("outcome", "hang", "success", "unmet"):
        return
    for life in _sockets(evidence):
        bind, joined = life.succeeded("bind"), _option(life, *_JOINS)
        if bind is None or joined is None or not bind.address or _is_group(bind.address):
            continue
        host = bind.address[0]
        if host == "0.0.0.0" and failure.kind != "hang":
            yield Finding(
                bind.index, ("wrong-group",),
                f"{evidence.place(bind)} bind() names every address: what is sent to other groups, or to this machine, "
                "is heard as well",
                (bind, joined), "ip(7), IP_MULTICAST_ALL", particular=True,
            )  # fmt: skip
        elif host != "0.0.0.0":
            yield Finding(
                bind.index, (),
                f"{evidence.place(bind)} bind() names {host}, and not the group: what is sent to the group "
                f"does not reach {evidence.name_of(life)}",
                (bind, joined), "ip(7)",
            )  # fmt: skip


@explains
def port_of_its_own(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Two listeners on one machine, and the second is turned away."""
    for life in _sockets(evidence):
        bind = life.first("bind")
        if bind is None or bind.errno != "EADDRINUSE" or bind.injected or not _is_shared(bind.address):
            continue
        option = next((c for c in life.calls if c.name == "setsockopt" and c.option == "SO_REUSEADDR"), None)
        if option is None or option.index > bind.index or not option.arg("value"):
            yield Finding(
                bind.index, ("no-reuse-address",),
                f"{evidence.place(bind)} bind() {ended(evidence, bind)}: another program hears the group, and "
                "SO_REUSEADDR was not set on this socket before",
                (bind,), "socket(7), SO_REUSEADDR", particular=True,
            )  # fmt: skip


@explains
def far_reaching(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The time to live of what is sent to a group."""
    if failure.kind != "hops":
        return
    for life in _sockets(evidence):
        option = _option(life, "IP_MULTICAST_TTL")
        if option is not None and option.arg("value") != 1:
            yield Finding(
                option.index, ("wide-ttl",) if option.arg("value") > 1 else (),
                f"{evidence.place(option)} setsockopt(IP_MULTICAST_TTL) sets it to {option.arg('value')}; with 1 a "
                "datagram stays on this network",
                (option,), "ip(7), IP_MULTICAST_TTL",
            )  # fmt: skip


@explains
def sent_where_it_should_not(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A group that is none is not refused."""
    if failure.kind != "unchecked":
        return
    run = evidence.run
    for life in _sockets(evidence):
        sent = life.succeeded("send")
        if sent is not None and sent.index >= run.first and sent.address and not _is_group(sent.address):
            yield Finding(
                sent.index, ("not-a-group",),
                f"{evidence.place(sent)} {sent.name}() sends {counted(sent.result)} to {sent.address[0]}, which is no "
                "multicast group; it was to be refused",
                (sent,), "ip(7), Address format",
            )  # fmt: skip


@explains
def swallowed_empty(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """An empty datagram has come, and the program waits for another."""
    if failure.kind not in ("hang", "outcome"):
        return
    for life in _sockets(evidence):
        took = [c for c in life.calls if c.any_of("recv") and c.done and not c.failed and not c.only_looks]
        later = [c for c in life.calls if took and c.any_of("recv") and c.index > took[0].index]
        if took and took[0].result == 0 and later and _option(life, *_JOINS):
            yield Finding(
                took[0].index, ("empty-is-eof",),
                f"{evidence.place(took[0])} {took[0].name}() {ended(evidence, took[0])}, an empty datagram, which is "
                "one like any other; and it is called again",
                (took[0], later[0]), "recv(2), RETURN VALUE",
            )  # fmt: skip


@explains
def refused_membership(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A membership names what is no group."""
    for life in _sockets(evidence):
        for call in life.calls:
            joins = call.name == "setsockopt" and call.option == "IP_ADD_MEMBERSHIP"
            if not joins or not call.failed or call.injected or len(call.payload) < _MEMBERSHIP:
                continue
            group, interface = (socket.inet_ntoa(call.payload[at : at + 4]) for at in (0, 4))
            if not _is_group((group, 0)):
                yield Finding(
                    call.index, (),
                    f"{evidence.place(call)} setsockopt(IP_ADD_MEMBERSHIP) {ended(evidence, call)}: it names {group} "
                    f"for the group, and {interface} for the interface",
                    (call,), "ip(7), IP_ADD_MEMBERSHIP",
                )  # fmt: skip


@violation
def loop_off(evidence: Evidence) -> Iterator[Finding]:
    """Programs on this machine are not to hear an announcement."""
    for life in _sockets(evidence):
        option = _option(life, "IP_MULTICAST_LOOP")
        if option is not None and not option.arg("value"):
            yield Finding(
                option.index, (),
                f"{evidence.place(option)} setsockopt(IP_MULTICAST_LOOP) turns it off: programs on this machine do not "
                "hear what is sent by way of another interface than lo",
                (option,), "ip(7), IP_MULTICAST_LOOP",
            )  # fmt: skip
