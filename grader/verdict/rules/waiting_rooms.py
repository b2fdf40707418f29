"""What one client holds up for the others: a lock, a coroutine, a thread, the word of an arrival."""

from __future__ import annotations

import re
import select
from collections.abc import Iterator
from dataclasses import replace

from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure
from grader.verdict.rule import Finding, explains
from grader.verdict.talk import Talk

_LOCKS = re.compile(r"pthread_mutex_lock|pthread_rwlock|mtx_lock|\b[RL]?Lock\(|Semaphore\(")
#: What a coroutine waits with for room.
_AWAITS_ROOM = re.compile(r"^[^#]*\bawait\b.*\b(drain|sock_sendall)\(")

#: Where a program's text has epoll tell of something once; where once and never again.
_ONCE, _DISARMED = re.compile(r"^[^#\n]*\bEPOLLET\b", re.M), re.compile(r"^[^#\n]*\bEPOLLONESHOT\b", re.M)


@explains
def locked_while_sending(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A thread waits in send(), and another one, which has received, for it."""
    talk, locks = evidence.wronged, _LOCKS.search(evidence.source.text)
    if failure.kind != "hang" or talk is None or locks is None or not talk.receives:
        return
    heard = talk.receives[-1][0]
    is_stuck = not any(c.tid == heard.tid and c.index > heard.index for c in evidence.calls)
    for other in evidence.talks:
        waiting = next((c for c in other.calls if c.any_of("send") and not c.done and c.tid != heard.tid), None)
        if other is not talk and is_stuck and waiting is not None:
            yield Finding(
                waiting.index, (),
                f"{evidence.place(waiting)} {waiting.name}() to {other.name} does not return, and {talk.name}, whose "
                f"bytes have come at {evidence.place(heard)}, gets no answer: a lock is held while {waiting.name}() "
                "waits",
                (waiting, heard), "pthreads(7)",
            )  # fmt: skip


@explains
def no_thread_is_free(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """All of a fixed number of threads, or of processes, have a client, and one is left over."""
    talk, queued = evidence.wronged, evidence.queued
    if failure.kind != "hang" or not (queued if talk is None else not _is_served(talk)):
        return
    taken = max((c.index for c in evidence.calls if c.any_of("accept") and c.done), default=-1)
    is_made_for_it = any(c.name in ("pthread_create", "fork") and c.index > taken for c in evidence.calls)
    busy = _busy(evidence)
    if not busy or is_made_for_it:
        return
    call = min(busy.values(), key=lambda one: one.index)
    what, plural = ("process", "processes") if call.pid != evidence.pid else ("thread", "threads")
    where = f"each of the {len(busy)} {plural}" if len(busy) > 1 else f"the one {what} that serves"
    yield Finding(
        call.index, (),
        f"{evidence.place(call)} {call.name}() waits in {where} for a client of its own, and "
        f"{talk.name if talk is not None else queued[0]} has no {what} until one of these leaves",
        (call,), "pthread_create(3)" if what == "thread" else "fork(2)",
    )  # fmt: skip


def _is_served(talk: Talk) -> bool:
    """Whether somebody has turned to a client."""
    return any(c.any_of("recv") or c.any_of("wait") for c in talk.calls)


def _busy(evidence: Evidence) -> dict[tuple[int, int], Call]:
    """The threads and processes each of which waits for a client that it has alone, with
    the call that it waits in; none where two have one client."""
    main = (evidence.pid, evidence.pid)
    accepted: dict[tuple[int, int], int] = {}
    busy: dict[tuple[int, int], Call] = {}
    clients: dict[tuple[int, int], tuple[int, int]] = {}
    for call in evidence.calls:
        worker = (call.pid, call.tid)
        if call.any_of("accept") and call.done and not call.failed:
            accepted[call.pid, call.result] = call.index
        if worker == main:
            continue
        has_one = {(call.pid, call.fd), (evidence.pid, call.fd)} & accepted.keys()
        if has_one and (call.any_of("recv") or call.any_of("send")):
            clients[worker] = (call.pid, call.fd)
            if not call.done:
                busy[worker] = call
        elif call.any_of("wait") and not call.done and worker in clients:
            busy[worker] = call
    return busy if len({clients[worker] for worker in busy}) == len(busy) else {}


@explains
def waits_for_room(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The coroutine of a sender waits until one receiver has room."""
    talk = evidence.wronged
    if failure.kind != "hang" or talk is None or talk.is_full:
        return
    slow = next((other for other in evidence.talks if other is not talk and other.is_full), None)
    line = next((n for n, text in enumerate(evidence.source.lines, 1) if _AWAITS_ROOM.search(text)), None)
    if slow is None or line is None:
        return
    last = next(c for c in reversed(slow.calls) if c.any_of("send"))
    place = replace(last, line=line)
    name = _AWAITS_ROOM.search(evidence.source.line(line))[1]
    yield Finding(
        place.index, ("blocking-send",),
        f"{evidence.place(place)} {name}() waits until {slow.name}, who does not read, has room, and {talk.name} gets "
        "nothing meanwhile",
        (place, last), "poll(2)",
    )  # fmt: skip


@explains
def rest_is_not_asked_for(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What a send() has left over waits, and the wait does not ask for room."""
    talk = evidence.wronged
    if failure.kind == "hang" and talk is not None and talk.is_full and "does not ask whether" in failure.sentence:
        last = next(c for c in reversed(talk.calls) if c.any_of("send"))
        yield Finding(last.index, ("short-send",), failure.sentence, (last,), "send(2), RETURN VALUE")


@explains
def one_arrival_told(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Clients are left in the backlog by a loop that is told of them once."""
    if failure.kind != "hang" or not evidence.queued or "EPOLLET" not in evidence.source.text:
        return
    taken = _after_the_last_word(evidence.calls)
    if taken and taken[-1].errno != "EAGAIN":
        count, names = len(taken), evidence.queued
        who = f"{', '.join(names[:-1])} and {names[-1]} wait" if len(names) > 1 else f"{names[0]} waits"
        yield Finding(
            taken[-1].index, (),
            f"{evidence.place(taken[-1])} {taken[-1].name}() was called {'once' if count == 1 else f'{count} times'} "
            f"after epoll_wait(), which tells of arrivals once (EPOLLET), and not until EAGAIN: {who} in the backlog",
            (taken[-1],), "epoll(7), Level-triggered and edge-triggered",
        )  # fmt: skip


def _after_the_last_word(calls: list[Call]) -> list[Call]:
    """The accept() calls that follow the wait which has told of clients last."""
    taken: list[Call] = []
    has_told = False
    for call in calls:
        if call.any_of("wait"):
            has_told = call.done and call.result > 0
        elif call.any_of("accept") and call.done:
            taken = [] if has_told else taken
            has_told = False
            taken.append(call)
    return taken


@explains
def one_piece_taken(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What lies in a connection is not all taken by a loop that is told of it once."""
    asleep = next((c for c in evidence.calls if c.name == "epoll_wait" and not c.done), None)
    if failure.kind not in ("hang", "deadlock") or asleep is None:
        return
    for life in evidence.descriptors:
        received = [c for c in life.calls if c.any_of("recv") and c.done and not c.only_looks]
        last = received[-1] if received else None
        if life.number not in evidence.unread or life.closed is not None or not _is_told_once(evidence, life):
            continue
        if last is None or last.result <= 0 or last.index > asleep.index:
            continue
        told = max((c.index for c in evidence.calls if c.any_of("wait") and c.index < last.index), default=-1)
        count = sum(c.index > told for c in received)
        speaker = next((talk.name for talk in evidence.talks if any(c is last for c in talk.calls)), "the peer")
        yield Finding(
            last.index, (),
            f"{evidence.place(last)} {last.name}() was called {'once' if count == 1 else f'{count} times'} after "
            f"epoll_wait(), which tells of arrivals once (EPOLLET), and not until EAGAIN: no new event comes for what "
            f"{speaker} has sent besides",
            (last, asleep), "epoll(7), Level-triggered and edge-triggered",
        )  # fmt: skip
        return


def _is_told_once(evidence: Evidence, life: Descriptor) -> bool:
    """Whether epoll_wait() tells once of what arrives at a descriptor (EPOLLET); the
    trace knows it of C alone."""
    if evidence.source.language == "python":
        return _ONCE.search(evidence.source.text) is not None and _DISARMED.search(evidence.source.text) is None
    since = life.made.index if life.made is not None else -1
    asked = [c.args[2] for c in evidence.calls if c.name == "epoll_ctl" and not c.failed and c.index > since
             and c.arg("target") == life.number]  # fmt: skip
    wished = select.EPOLLET | select.EPOLLIN
    return bool(asked) and asked[-1] & wished == wished and not asked[-1] & select.EPOLLONESHOT
