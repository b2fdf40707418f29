"""What a transcript calls the program's descriptors, children and threads.

A name that several descriptors have had gets their number, in the order in which
they were made, and so does every connection of a server that accepts several:
the second one is ``connection#2`` here and ``fd#2`` there.  Children and threads are numbered in the order of their
beginnings.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence


@dataclass(frozen=True)
class _Thing:
    """What a descriptor stands for: a socket from its making on, in all processes."""

    kind: str
    number: int


class Names:
    """Looks through the calls of a check once.

    Args:
        evidence: with lines looked up.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._source = evidence.source
        self._first = evidence.pid
        self._children = {pid: f"child {n}" for n, pid in enumerate(evidence.children, 1)}
        self._threads: dict[tuple[int, int], str] = {}
        self._limited: set[int] = set()
        self._things: dict[int, _Thing] = {}  # index of a call -> what it worked on
        self._named: dict[str, set[_Thing]] = {}
        self._first_names: dict[_Thing, str] = {}
        self._made: Counter[str] = Counter()
        self._follow(evidence)

    def of(self, call: Call) -> str:
        """The program's name for the descriptor that a call works on; ``""`` if
        there is none."""
        thing = self._things.get(call.index)
        first = self._first_names.get(thing, "") if thing else ""
        name = self._source.descriptor(call) or first
        if thing is not None and any(o != thing and o.number == thing.number for o in self._named.get(name, ())):
            name = first  # another kind of thing has the same name and number
        return self._numbered(name, thing)

    def numbered(self, name: str, call: Call) -> str:
        """A name that a call's result is given."""
        return self._numbered(name, self._things.get(-call.index - 1))

    def child(self, pid: int) -> str:
        """A process that the program has forked."""
        return self._children.get(pid, "a child")

    def actor(self, call: Call) -> str:
        """The child or thread that made a call; ``""`` for the first of all."""
        words = [self._children.get(call.pid, ""), self._threads.get((call.pid, call.tid), "")]
        return ", ".join(filter(None, words))

    def has_time_limit(self, call: Call) -> bool:
        """Whether the socket that a call works on had been given a time limit."""
        return call.index in self._limited

    def _numbered(self, name: str, thing: _Thing | None) -> str:
        if thing is None or not name:
            return name
        several = len(self._named.get(name, ())) > 1 or (thing.kind == "accept" and self._made["accept"] > 1)
        return f"{name}#{thing.number}" if several else name

    def _follow(self, evidence: Evidence) -> None:
        """Which descriptor stood for what at each call."""
        lent = {fd: _Thing("lent", n) for n, fd in enumerate(evidence.lent, 1)}
        tables: dict[int, dict[int, _Thing]] = {self._first: lent}
        inherited: dict[int, dict[int, _Thing]] = {}  # index of a fork() -> what there was
        limits: dict[_Thing, bool] = {}
        moments = [(call.entered, call.index, False, call) for call in evidence.calls]
        moments += [(call.left, call.index, True, call) for call in evidence.calls if call.done]
        threads: dict[int, int] = {}
        for _time, _index, returns, call in sorted(moments, key=lambda moment: moment[:3]):
            if call.pid not in tables:
                fork = evidence.children.get(call.pid)
                tables[call.pid] = dict(inherited.get(fork.index, {})) if fork else {}
            table = tables[call.pid]
            if not returns:
                if call.name == "thread_start":
                    threads[call.pid] = threads.get(call.pid, 0) + 1
                    self._threads[call.pid, call.tid] = f"thread {threads[call.pid]}"
                elif call.name == "fork":
                    inherited[call.index] = dict(table)
                thing = table.get(call.fd) if call.name != "poll" else None  # whose record has the first it asks for
                if thing is not None:
                    self._things[call.index] = thing
                    if limits.get(thing):
                        self._limited.add(call.index)
                    self._name(self._source.descriptor(call), thing)
                if call.name == "close":
                    table.pop(call.fd, None)
                if call.name == "setsockopt" and call.args[0] == -1 and thing is not None:
                    limits[thing] = call.args[2] > 0
            elif call.made:
                kind = "accept" if call.any_of("accept") else call.name
                for number in call.made:
                    self._made[kind] += 1
                    table[number] = _Thing(kind, self._made[kind])
                if len(call.made) == 1:
                    thing = self._things[-call.index - 1] = table[call.made[0]]
                    self._name(self._source.assigned(call), thing)

    def _name(self, name: str, thing: _Thing) -> None:
        if name:
            self._named.setdefault(name, set()).add(thing)
            self._first_names.setdefault(thing, name)
