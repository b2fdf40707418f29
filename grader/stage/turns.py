"""Turns of a loop: whether what a program does over and over comes to anything.

A program may look up now and then, or wait in slices: each turn ends in a wait
that time ends.  One whose turns are all alike and never wait spins.
"""

from __future__ import annotations

import socket
from collections import Counter, deque
from collections.abc import Iterator

from grader.trace.calls import GROUPS
from grader.trace.reader import Call

#: Calls in a row, all alike, that are a loop without end.
SPIN = 2000
#: Of so many different calls, at most, such a loop consists.
_WIDEST = 6
#: So many of the last calls are looked at, ...
_WINDOW = 400
#: ... each of them beside so many before it of the same thread.
_MEMORY = 16
#: To remember those, so many calls of all threads are read that were looked at before.
_BEFORE = 64
#: A call that lasted so long has waited (nanoseconds).
_WAIT = 100_000
#: Calls that time ends: args[1] is a limit in ms, -1 for none.
TIMED = ("poll", "select", "epoll_wait", "sleep", "sigwait")
#: Calls that make or take something whenever they succeed.
_MAKES = frozenset((*GROUPS["accept"], "connect", "fork", "pthread_create"))
_SENDS, _RECEIVES = (frozenset(GROUPS[group]) for group in ("send", "recv"))
#: So many turns that come to nothing are gone through one by one ...
_FAITHFUL = 300
#: ... and from then on time makes strides: this share of what has passed in them.
_STRIDE = 0.05
#: After so many of them, and so much time, nothing will come of the next (nanoseconds).
_FEWEST, _LONGEST = 3, 600_000_000_000


def is_fruitful(call: Call) -> bool:
    """Whether a call has moved bytes, or made what was not there."""
    if call.name in _RECEIVES:
        return call.result > 0 and not call.args[1] & socket.MSG_PEEK
    return (call.name in _SENDS and call.result > 0) or (call.name in _MAKES and call.done and not call.failed)


def spins(calls: list[Call]) -> bool:
    """Whether a program does the same few things in vain, over and over, and
    does not wait in between.

    Bytes that are sent count as the same if they come from the same place, so
    many at a time, and look the same.
    """
    last = calls[-SPIN:]
    if len(last) < SPIN or any(is_fruitful(call) for call in last if call.name not in _SENDS):
        return False
    if len({_likeness(call) for call in last}) > _WIDEST:
        return False
    return sum(map(has_waited, last)) < SPIN // (4 * _WIDEST)


def last_fruit(calls: list[Call]) -> int:
    """The index of the last call that is no repetition; -1 if there is none among
    the last ones."""
    return LastFruit().of(calls)


class LastFruit:
    """The last call that is no repetition, for whoever asks again and again: only
    what has been done since is read."""

    def __init__(self) -> None:
        self._index = -1
        self._known = 0  # so many calls are done, and known

    def of(self, calls: list[Call]) -> int:
        """Its index; -1 if there is none among the last ones."""
        begin = max(self._known, len(calls) - _WINDOW)
        self._index = max((call.index for call, is_news in _read(calls, begin) if is_news), default=self._index)
        self._known = next((n for n in range(begin, len(calls)) if not calls[n].done), len(calls))
        return self._index


def in_vain(calls: list[Call]) -> Counter[int]:
    """Thread id -> how many waits of its have ended by time alone since a call of
    its last came to anything.

    A thread that seldom waits spins, and has none: on a busy machine any call
    lasts now and then.
    """
    waits: Counter[int] = Counter()
    made: Counter[int] = Counter()
    for call, is_news in _read(calls):
        waits[call.tid] = 0 if is_news else waits[call.tid] + has_waited(call)
        made[call.tid] = 0 if is_news else made[call.tid] + 1
    return Counter({tid: count for tid, count in waits.items() if count * _WIDEST >= made[tid]})


def _read(calls: list[Call], begin: int = 0) -> Iterator[tuple[Call, bool]]:
    """The last calls, from that one on, and whether each is no repetition.

    A call repeats another that the same thread made a moment ago, with the same
    result; one that is under way is no news yet.
    """
    begin = max(begin, len(calls) - _WINDOW)
    first = max(0, begin - _BEFORE) if begin > len(calls) - _WINDOW else begin
    remembered: dict[int, deque] = {}
    for number, call in enumerate(calls[first:], first):
        memory = remembered.setdefault(call.tid, deque(maxlen=_MEMORY))
        likeness = _likeness(call)
        is_known = likeness in memory or (first > 0 and len(memory) < _MEMORY)
        if number >= begin:
            yield call, call.done and (is_fruitful(call) or not is_known)
        memory.append(likeness)


class Strides:
    """How time passes for a program that goes round in turns: from the end of one
    wait to the end of the next, and faster when nothing comes of many turns.

    Whoever sleeps for a millisecond may be woken later: a minute is then not
    sixty thousand turns.
    """

    def __init__(self) -> None:
        self._fruit = self._since = -1
        self._turns = 0
        self._fruits = LastFruit()

    def next(self, calls: list[Call], now: int) -> int:
        """The moment to which time may go on at least (nanoseconds); a turn begins.

        Args:
            calls: what the program has done so far.
            now: what its clock shows.
        """
        self._look(calls, now)
        self._turns += 1
        return now if self._turns <= _FAITHFUL else now + int((now - self._since) * _STRIDE)

    def are_in_vain(self, calls: list[Call], now: int) -> bool:
        """Whether nothing has come of so many turns, for so long, that nothing will."""
        self._look(calls, now)
        return self._turns > _FEWEST and now - self._since > _LONGEST

    def _look(self, calls: list[Call], now: int) -> None:
        fruit = self._fruits.of(calls)
        if fruit != self._fruit or self._since < 0:
            self._fruit, self._since, self._turns = fruit, now, 0


def has_waited(call: Call) -> bool:
    """Whether a call has lasted, and has ended by time alone."""
    in_vain = call.result == 0 if call.name in TIMED else call.errno == "EAGAIN"
    return call.done and in_vain and call.left - call.entered >= _WAIT


def _likeness(call: Call) -> tuple:
    """What two calls have in common that do the same, to the same effect."""
    what = (call.args[0], call.args[2], call.payload) if call.name in _SENDS else ()
    return call.tid, call.name, call.fd, call.where, call.result, call.error, *what
