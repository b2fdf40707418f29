"""Datagrams: whom they come from, whom they go to, what is lost of them."""

from __future__ import annotations

import socket
import termios
from collections.abc import Iterator
from itertools import pairwise

from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, ended, explains
from grader.verdict.rules.echoes import TEXT
from grader.verdict.rules.serving import FINAL
from grader.verdict.words import counted

#: Bytes of the address of each family, as receiving wants to write it.
_ADDRESS = {socket.AF_INET: 16, socket.AF_INET6: 28}
#: No datagram of IPv4 is longer.
_LONGEST = 65507


def _sockets(evidence: Evidence) -> list[Descriptor]:
    """The UDP sockets that the program has made."""
    return [life for life in evidence.descriptors if life.has_datagrams and not life.is_raw and life.family in _ADDRESS]


def _servers(evidence: Evidence) -> list[tuple[Run, Descriptor]]:
    """Those that a server waits at for whoever comes."""
    runs = [run for run in evidence.runs if run.endless]
    return [(runs[-1], life) for life in _sockets(evidence) if life.succeeded("bind")] if runs else []


def _took(call: Call) -> bool:
    """Whether a call has taken a datagram off its socket."""
    return call.any_of("recv") and call.done and not call.failed and not call.only_looks


def _unanswered(life: Descriptor) -> list[Call]:
    """The calls that took the datagrams to whose senders nothing has been sent since."""
    waiting: list[Call] = []
    for call in life.calls:
        if _took(call):
            waiting.append(call)
        elif call.any_of("send") and call.done and not call.failed:
            answered = [c for c in waiting if call.address in (None, c.address)]
            if answered:
                waiting.remove(answered[0])
    return waiting


@explains
def stale_length(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """recvfrom() may not write the address of whom it hears (M94)."""
    if evidence.source.language != "c":
        return
    for life in _sockets(evidence):
        needed = _ADDRESS[life.family]
        for call in life.calls:
            if call.name == "recvfrom" and call.done and call.arg("room") != -1 and call.arg("room") < needed:
                room = call.arg("room")
                words = "was never set" if room < 0 else f"is {room}, and the address has {needed} bytes"
                yield Finding(
                    call.index, ("stale-addrlen",),
                    f"{evidence.place(call)} recvfrom(): its address length {words}: whom the datagram comes from is "
                    "not told",
                    (call,), "recvfrom(2)",
                )  # fmt: skip
                return


@explains
def loopback_alone(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A server that other machines cannot reach (M13)."""
    for _run, life in _servers(evidence):
        bind = life.succeeded("bind")
        host = bind.address[0] if bind.address else ""
        if failure.kind == "hang" and host not in ("", "0.0.0.0", "::"):
            yield Finding(
                bind.index, ("not-passive",),
                f"{evidence.place(bind)} bind() names {host} alone; a server binds every local address",
                (bind,), "getaddrinfo(3), AI_PASSIVE",
            )  # fmt: skip


@explains
def connected_server(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A server's socket is connected to one client, and deaf to the others."""
    if failure.kind not in ("hang", "bytes"):
        return
    for _run, life in _servers(evidence):
        call = next((c for c in life.calls if c.name == "connect" and not c.failed and c.address), None)
        if call is not None:
            yield Finding(
                call.index, ("fixed-peer",),
                f"{evidence.place(call)} connect(): from here on {evidence.name_of(life)} hears one client alone, and "
                "what others send is refused",
                (call,), "connect(2), DESCRIPTION", particular=True,
            )  # fmt: skip


@explains
def wrong_receiver(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """An answer goes to another client than the one whose datagram it answers."""
    if failure.kind not in ("hang", "bytes", "surplus"):
        return
    for _run, life in _servers(evidence):
        waiting: list[Call] = []
        for call in life.calls:
            if _took(call) and call.address:
                waiting.append(call)
            elif call.any_of("send") and call.done and not call.failed and call.address and waiting:
                alike = [c for c in waiting if c.payload.upper() == call.payload.upper()] or waiting
                own = next((c for c in alike if c.address == call.address), None)
                if own is None:
                    yield Finding(
                        call.index, ("fixed-peer",),
                        f"{evidence.place(call)} {call.name}() answers the datagram that {alike[0].name}() brought at "
                        f"{evidence.place(alike[0])}, and sends to another client",
                        (call, alike[0]), "recvfrom(2)", particular=True,
                    )  # fmt: skip
                    return
                waiting.remove(own)


@explains
def in_pieces(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """One answer is sent as several datagrams."""
    if failure.kind != "bytes" or evidence.wronged is None:
        return
    owed = evidence.wronged.owed
    for _run, life in _servers(evidence):
        for first, second in pairwise(life.calls):
            if not (first.any_of("send") and second.any_of("send") and first.address == second.address):
                continue
            if 0 < first.result < len(owed) and first.payload and owed.startswith(first.payload):
                yield Finding(
                    first.index, (),
                    f"{evidence.place(first)} {first.name}() sends {first.result} of {counted(len(owed))}, and the "
                    "rest follows: each call sends a datagram of its own",
                    (first, second), "udp(7)",
                )  # fmt: skip
                return


@explains
def other_length(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The answer is longer or shorter than the datagram, where it was to be as long."""
    talk = evidence.wronged
    if failure.kind != "bytes" or talk is None:
        return
    for _run, life in _servers(evidence):
        for came, sent in pairwise(life.calls):
            if not _took(came) or not sent.any_of("send") or not came.result == len(talk.owed) != sent.args[0]:
                continue
            words = f"sends {counted(sent.args[0])} in answer to {came.result}"
            used = TEXT.search(evidence.source.text)
            if evidence.source.language == "c" and used and came.payload.find(b"\0") == sent.args[0]:
                words += f": byte {sent.args[0] + 1} is a zero, which {used[1]}() takes for the end"
            yield Finding(sent.index, (), f"{evidence.place(sent)} {sent.name}() {words}", (sent, came), "sendto(2)")
            return


@explains
def changed_byte(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A byte that is no letter was to come back as it was."""
    talk = evidence.wronged
    if failure.kind != "bytes" or talk is None or len(talk.came) != len(talk.owed) or not _servers(evidence):
        return
    place = talk.differs_at
    if (
        talk.said.endswith(talk.owed)
        or not talk.said.upper().endswith(talk.owed)
        or talk.owed[place : place + 1].isalpha()
    ):
        return
    sent = talk.sends[-1][0] if talk.sends else None
    if sent is not None:
        yield Finding(
            sent.index, (),
            f"byte {place + 1} of the datagram, {talk.owed[place]:02x}, is no ASCII letter, and comes back as "
            f"{talk.came[place]:02x} from {sent.name}() at {evidence.place(sent)}",
            (sent,), "ascii(7)",
        )  # fmt: skip


@explains
def no_end_of_file(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A datagram without a byte is taken for an end, or for nothing (M93)."""
    for run, life in _servers(evidence):
        empty = next((c for c in _unanswered(life) if c.result == 0), None)
        if empty is not None and (run.has_stopped or failure.kind in ("hang", "bytes")):
            what = f"and {answer(evidence, run)}" if run.has_stopped else "and is not answered"
            yield Finding(
                empty.index, ("empty-is-eof",),
                f"{evidence.place(empty)} {empty.name}() {ended(evidence, empty)}, a datagram of 0 bytes, {what}: UDP "
                "has no end-of-file",
                (empty,), "recvfrom(2), RETURN VALUE",
            )  # fmt: skip
        asked = next((c for c in life.calls if c.name == "ioctl" and c.args[0] & 0xFFFF == termios.FIONREAD), None)
        if asked is not None and failure.kind in ("hang", "busy"):
            yield Finding(
                asked.index, ("empty-is-eof",),
                f"{evidence.place(asked)} ioctl(FIONREAD) says 0 of a datagram of 0 bytes, too: it waits, and is never "
                "received",
                (asked,), "udp(7)",
            )  # fmt: skip


@explains
def not_answered(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A datagram has been received, and its sender waits in vain."""
    if failure.kind != "hang" or evidence.wronged is None or any(c.name == "fork" for c in evidence.calls):
        return
    for _run, life in _servers(evidence):
        waiting = _unanswered(life)
        if not waiting or waiting[0].result == 0:
            continue
        call = waiting[0]
        after = (c for c in life.calls if c.index > call.index and c.done and (c.any_of("send") or c.any_of("recv")))
        if not next(after, call).any_of("send"):
            yield Finding(
                call.index, (),
                f"{evidence.place(call)} {call.name}() brought a datagram of {counted(call.result)}, and nothing was "
                "sent in answer",
                (call,), "sendto(2)",
            )  # fmt: skip


@explains
def thrown_away(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A server's socket is closed, with what waits in it."""
    if failure.kind != "hang":
        return
    for run, life in _servers(evidence):
        closed = life.closed
        if closed is None or run.outcome is not None:
            continue
        failed = [c for c in life.calls if c.index < closed.index and c.any_of("recv") and c.failed]
        why = f", for {failed[-1].name}() {ended(evidence, failed[-1])}" if failed else ""
        yield Finding(
            closed.index, ("dies-of-error",),
            f"{evidence.place(closed)} closes the server's socket{why}: datagrams that wait in it are lost",
            (closed, *failed[-1:]), "udp(7)",
        )  # fmt: skip


@explains
def dies_of_error(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A server that ends because of one datagram."""
    for run, life in _servers(evidence):
        if not run.has_stopped:
            continue
        moved = [c for c in life.calls if (c.any_of("send") or c.any_of("recv")) and c.done]
        last = moved[-1] if moved else None
        if last is None or not last.failed or (last.any_of("recv") and last.errno in (*FINAL, "EAGAIN")):
            continue
        whose = "its own answer alone" if last.any_of("send") else "an earlier answer, if anything"
        yield Finding(
            last.index, ("dies-of-error",),
            f"{evidence.place(last)} {last.name}() {ended(evidence, last)}, which concerns {whose}; and "
            f"{answer(evidence, run)}",
            (last,), f"{last.name}(2), ERRORS" if last.name != "sendall" else "send(2), ERRORS",
        )  # fmt: skip


@explains
def cut(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The buffer was full, and the rest of the datagram is gone (M92)."""
    difference = failure.difference
    if difference is None or len(difference.expected) <= len(difference.actual):
        return
    for life in _sockets(evidence):
        for call in life.calls:
            if _took(call) and 0 < call.result == call.arg("length") < min(len(difference.expected), _LONGEST):
                yield Finding(
                    call.index, ("cut-datagram", "cut-answer"),
                    f"{evidence.place(call)} {call.name}() has room for {counted(call.result)}; what is longer in a "
                    f"datagram is lost, here {len(difference.expected) - call.result} bytes",
                    (call,), "recv(2), MSG_TRUNC",
                )  # fmt: skip
                return


@explains
def from_elsewhere(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """An answer is sent from a socket of its own."""
    if failure.kind != "source":
        return
    for life in _sockets(evidence):
        sent = life.succeeded("send")
        if sent is not None and life.succeeded("bind") is None:
            yield Finding(
                sent.index, (),
                f"{evidence.place(sent)} {sent.name}() on {evidence.name_of(life)}, which is not bound to the server's "
                "port: the answer comes from another one",
                (sent, life.made), "udp(7)",
            )  # fmt: skip
            return


@explains
def shared_port(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Two servers have one port, of which the kernel serves one (M33)."""
    if failure.kind not in ("shared-port", "hang") or (failure.kind == "hang" and evidence.run.endless):
        return
    for life in _sockets(evidence):
        options = (c for c in life.calls if c.name == "setsockopt" and c.arg("value"))
        shares = (c for c in options if c.option in ("SO_REUSEADDR", "SO_REUSEPORT"))
        option = next(shares, None) if life.succeeded("bind") else None
        if option is not None:
            yield Finding(
                option.index, ("shared-port",),
                f"{evidence.place(option)} setsockopt({option.option}): two servers can have this port at the same "
                "time, and only one of them gets the datagrams",
                (option,), "socket(7), SO_REUSEADDR", particular=True,
            )  # fmt: skip
