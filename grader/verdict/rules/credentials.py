"""Who is at the other end of a Unix socket, and who says so (unix(7), SO_PEERCRED)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

from grader.trace.decoded import Credentials
from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, explains, when_returned

#: The kernel's user id of a peer that there is not.
_NOBODY = 2**32 - 1
_READ = "unix(7), SO_PEERCRED"


@explains
def client_is_asked(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A client has to say something before it is told anything; who it is, say."""
    talk = evidence.wronged
    if failure.kind not in ("hang", "bytes") or talk is None or evidence.run is None:
        return
    heard, told = (next((c for c in talk.calls if c.any_of(group)), None) for group in ("recv", "send"))
    if heard is None or (told is not None and told.index < heard.index):
        return
    where = f"{evidence.place(heard)} {heard.name}()"
    if not heard.done and not talk.said:
        sentence = f"{where} waits for {talk.name} to say something, and {talk.name} waits for an answer"
        yield Finding(heard.index, (), sentence, (heard,))
    elif told is not None and told.payload.startswith(b"w") and _claims(talk.said, evidence.run.numbers):
        sentence = f"{where} asks the client who it is, and the client can say what it likes"
        yield Finding(heard.index, ("claimed-identity",), sentence, (heard, told), _READ)


@explains
def own_credentials(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The listening socket is asked, which knows who has called listen()."""
    for ask in _asked(evidence.calls):
        if any(c.name == "listen" and c.fd == ask.fd and c.index < ask.index for c in evidence.calls):
            how = "asks the listening socket, which knows this process alone, and none of its clients"
            yield Finding(ask.index, ("own-credentials",), f"{_where(evidence, ask)} {how}", (ask,), _READ)
            return


@explains
def wrong_welcome(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Whoever is on the list is turned away, or another is let in."""
    talk = evidence.wronged
    if failure.kind != "bytes" or talk is None or evidence.run is None:
        return
    allowed = evidence.run.numbers
    for ask in _asked(talk.calls):
        told = next((c for c in talk.calls if c.index > ask.index and c.any_of("send")), None)
        if told is None:
            continue
        is_welcome, who = told.payload.startswith(b"w"), ask.credentials
        does = "lets the client in" if is_welcome else "turns the client away"
        where = f"{evidence.place(told)} {told.name}() {does}"
        if ask.failed:
            if is_welcome:
                sentence = f"{_where(evidence, ask)} failed with {ask.errno}, and {where}"
                yield Finding(ask.index, ("default-allow",), sentence, (ask, told), _READ)
            continue
        if who is None or is_welcome == (who.uid in allowed and who.uid != _NOBODY):
            continue
        guilty, gaps, on = (told, ask), (), "on the list" if who.uid in allowed else "not on the list"
        fact = f"told of user {who.uid}, who is {on}"
        if who.uid == _NOBODY:
            guilty, gaps, fact = (ask, told), ("nobody-is-somebody",), f"told of user {_NOBODY}, which is nobody"
        elif who.uid >> 31 and not is_welcome:
            guilty, gaps = (ask, told), ("signed-uid",)
            fact += f" (as a number with a sign it is {who.uid - 2**32})"
        elif (who.gid in allowed) == is_welcome and who.gid != who.uid:
            guilty, gaps = (_compared_by(evidence, ask), told), ("group-for-user",)
            fact = f"told of user {who.uid} and group {who.gid}; user {who.uid} is {on}"
        elif is_welcome and who.uid == 0:
            gaps = ("root-enters",)
        yield Finding(ask.index, gaps, f"{_where(evidence, ask)} {fact}, and {where}", guilty, _READ)


@explains
def wrong_identity(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A function tells its caller of another peer than the kernel has told it of."""
    run = evidence.run
    if run is None or not (asks := list(_asked(evidence.during(run)))):
        return
    ask, who = asks[-1], asks[-1].credentials
    if who is None:
        return
    returned = run.outcome.get("returned") if run.outcome else None
    fact, gaps = f"{_where(evidence, ask)} told of user {who.uid}", ()
    if who.uid == _NOBODY and run.succeeded and "ENOTCONN" in failure.errors:
        gaps, fact = ("nobody-is-somebody",), f"{fact}, which is nobody, and {answer(evidence, run)}"
    elif who.uid >> 31 and who.uid != _NOBODY and not run.succeeded:
        gaps, fact = ("signed-uid",), f"{fact}, which has no sign, and {answer(evidence, run)}"
    elif failure.kind == "credentials" and isinstance(returned, list) and len(returned) == 3:
        gaps, how = _mistaken(returned, who)
        fact = f"{fact} and group {who.gid}; {run.function}() returned {how}" if gaps else ""
    if gaps:
        yield Finding(ask.index, gaps, fact, (ask,), _READ)


@explains
def own_identity(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A function tells its caller of the process that it runs in."""
    run = evidence.run
    returned = run.outcome.get("returned") if run is not None and run.outcome else None
    if failure.kind == "credentials" and isinstance(returned, list) and returned[:1] == [evidence.pid or -1]:
        sentence = f"{run.function}() returned who it is itself, and not who its peer is"
        yield Finding(_asking(evidence, run), ("own-credentials",), sentence, (), _READ)


def _mistaken(returned: list, who: Credentials) -> tuple[tuple[str, ...], str]:
    """The gap that a wrong identity gives away, and how it is wrong."""
    if returned[1:] == [who.gid, who.uid]:
        return ("group-for-user",), "the one for the other"
    if any(type(number) is int and number < 0 for number in returned[1:]):
        return ("signed-uid",), f"user {returned[1]} and group {returned[2]}"
    return (), ""


def _claims(said: bytes, allowed: tuple[int, ...]) -> bool:
    """Whether a client has said the number of somebody who is on the list."""
    return any(str(number).encode() in said or number.to_bytes(4, sys.byteorder) in said for number in allowed)


def _asked(calls: Iterable[Call]) -> Iterator[Call]:
    """The questions who a peer is that have been answered."""
    return (c for c in calls if c.name == "getsockopt" and c.option == "SO_PEERCRED" and c.done)


def _compared_by(evidence: Evidence, ask: Call) -> Call:
    """Where what the kernel has told of is used: the call of the contract's function
    that asks, where it is that which asks."""
    caller = next(iter(evidence.moments(ask).callers), None)
    return replace(ask, line=caller) if "peer_of(" in evidence.source.line(caller) else ask


def _asking(evidence: Evidence, run: Run) -> float:
    """The moment at which a function has asked; without one, when it has returned."""
    return next((ask.index for ask in _asked(evidence.during(run))), when_returned(run))


def _where(evidence: Evidence, ask: Call) -> str:
    return f"{evidence.place(ask)} getsockopt(SO_PEERCRED)"
