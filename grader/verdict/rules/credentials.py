"""Who is at the other end of a Unix socket, and who says so (unix(7), SO_PEERCRED)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from grader.trace.decoded import Credentials
from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.rule import Finding, answer, explains, when_returned
from grader.verdict.talk import Talk
from grader.verdict.words import counted

#: The kernel's user id of a peer that there is not.
_NOBODY = 2**32 - 1
#: The largest number that has the same value with a sign.
_LARGEST_SIGNED = 2**31 - 1
#: Bytes of a struct ucred.
_SIZE = 12
#: A list that has no more numbers is looked through at a glance.
_SHORT = 8
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
def small_room(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The kernel's answer has three numbers, and fewer fit where it is to go."""
    for ask in _asked(evidence.calls):
        if ask.arg("room") < _SIZE and not ask.failed:
            how = f"asks for {counted(ask.arg('room'))} of the {_SIZE} that process, user and group have"
            yield Finding(ask.index, (), f"{_where(evidence, ask)} {how}", (ask,), _READ)
            return


@explains
def wrong_welcome(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Whoever is on the list is turned away, or another is let in."""
    talk, run = evidence.wronged, evidence.run
    if failure.kind != "bytes" or talk is None or run is None:
        return
    for ask, told in _answered(talk):
        is_welcome, who = told.payload.startswith(b"w"), ask.credentials
        does = f"{evidence.place(told)} {told.name}() {'lets the client in' if is_welcome else 'turns it away'}"
        if ask.failed and is_welcome:
            sentence = f"{_where(evidence, ask)} failed with {ask.errno}, and {does}"
            yield Finding(ask.index, ("default-allow",), sentence, (ask, told), _READ)
        elif who is not None and is_welcome != _is_welcome(who, run.numbers):
            gaps, fact, at = _misread(evidence, who, is_welcome)
            guilty = {"ask": (ask, told), "use": (_used_at(evidence, ask), told)}.get(at, (told, ask))
            yield Finding(ask.index, gaps, f"{_where(evidence, ask)} told of {fact}, and {does}", guilty, _READ)


def _misread(evidence: Evidence, who: Credentials, is_welcome: bool) -> tuple[tuple[str, ...], str, str]:
    """Why a client has got the wrong answer.

    Returns:
        The gap; what the kernel has told of; and where the mistake shows: in the
        question (``"ask"``), where it is put (``"use"``), or in the answer.
    """
    allowed = evidence.run.numbers
    fact = f"user {who.uid}, who is {_on_the_list(who.uid, allowed)}"
    if who.uid == _NOBODY:
        return ("nobody-is-somebody",), f"user {_NOBODY}, which is nobody", "ask"
    if who.uid > _LARGEST_SIGNED and not is_welcome and _are_sorted_by(evidence, _has_small_id_on):
        return ("signed-uid",), f"{fact} (as a number with a sign it is {who.uid - 2**32})", "ask"
    if is_welcome and who.gid != who.uid and _are_sorted_by(evidence, _has_group_on):
        return ("group-for-user",), f"group {who.gid}, which is a number of the list, and {fact}", "use"
    return ("root-enters",) if is_welcome and who.uid == 0 else (), fact, "answer"


def _on_the_list(user: int, allowed: tuple[int, ...]) -> str:
    """Whether a user is on the list; of a long one, where."""
    if user not in allowed:
        return "not on the list"
    place = "" if len(allowed) <= _SHORT else f"number {allowed.index(user) + 1} of {len(allowed)} "
    return f"{place}on the list"


def _has_group_on(who: Credentials, allowed: tuple[int, ...]) -> bool:
    return who.gid in allowed


def _has_small_id_on(who: Credentials, allowed: tuple[int, ...]) -> bool:
    return who.uid in allowed and who.uid <= _LARGEST_SIGNED


def _are_sorted_by(evidence: Evidence, is_let_in: Callable[[Credentials, tuple[int, ...]], bool]) -> bool:
    """Whether every client has got the answer that goes by that, and both answers were given."""
    allowed = evidence.run.numbers
    answers = [
        (is_let_in(ask.credentials, allowed), told.payload.startswith(b"w"))
        for talk in evidence.talks
        for ask, told in _answered(talk)
        if ask.credentials is not None
    ]
    return set(answers) == {(True, True), (False, False)}


def _is_welcome(who: Credentials, allowed: tuple[int, ...]) -> bool:
    return who.uid in allowed and who.uid != _NOBODY


@explains
def left_unasked(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A client is answered, and the kernel was not asked about its connection; or the
    other way round."""
    talk = evidence.wronged
    if failure.kind != "bytes" or talk is None or evidence.run is None or not evidence.run.numbers:
        return
    ask, told = next(_asked(talk.calls), None), next((c for c in talk.calls if c.any_of("send")), None)
    if ask is None and told is not None and not any(c.any_of("recv") for c in talk.calls):
        sentence = (
            f"{evidence.place(told)} {told.name}() answers {talk.name}, and nothing has asked the kernel who it is"
        )
        yield Finding(told.index, (), sentence, (told,), _READ)
    elif ask is not None and ask.failed and told is None:
        sentence = f"{_where(evidence, ask)} failed with {ask.errno}, and {talk.name} gets no answer"
        yield Finding(ask.index, (), sentence, (ask,), _READ)


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
    elif _LARGEST_SIGNED < who.uid < _NOBODY and run.raised and not _is_answered(evidence, run, ask):
        number = f"as a number with a sign it is {who.uid - 2**32}"
        gaps, fact = ("signed-uid",), f"{fact} ({number}), and {answer(evidence, run)}"
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


def _is_answered(evidence: Evidence, run: Run, ask: Call) -> bool:
    """Whether anybody has been told anything since the kernel was asked."""
    return any(c.index > ask.index and c.any_of("send") for c in evidence.during(run))


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


def _answered(talk: Talk) -> Iterator[tuple[Call, Call]]:
    """The same of one connection, each with what its client was told then."""
    for ask in _asked(talk.calls):
        told = next((c for c in talk.calls if c.index > ask.index and c.any_of("send")), None)
        if told is not None:
            yield ask, told


def _used_at(evidence: Evidence, ask: Call) -> Call:
    """Where what the kernel has told of is used: the call of the contract's function
    that asks, where it is that which asks."""
    caller = next(iter(evidence.moments(ask).callers), None)
    return replace(ask, line=caller) if "peer_of(" in evidence.source.line(caller) else ask


def _asking(evidence: Evidence, run: Run) -> float:
    """The moment at which a function has asked; without one, when it has returned."""
    return next((ask.index for ask in _asked(evidence.during(run))), when_returned(run))


def _where(evidence: Evidence, ask: Call) -> str:
    return f"{evidence.place(ask)} getsockopt(SO_PEERCRED)"
