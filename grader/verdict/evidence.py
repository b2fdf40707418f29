"""Everything that is known when a check has ended, and questions to ask of it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from grader.processes.state import State
from grader.trace.reader import Call
from grader.verdict.model import Difference, Moment, Place, Verdict
from grader.verdict.source import Source
from grader.verdict.talk import Talk

#: The type of a socket without the flags that socket(2) takes beside it.
_TYPE = 0xF


@dataclass
class Run:
    """One call of a function of the contract.

    Attributes:
        function: its name.
        shown: its arguments as a transcript shows them.
        first: index of the first record that can belong to it.
        last: index after its last record, once it has returned.
        message: what it was asked to send, where that is an argument.
        told: whether that was said when it was called, and not only by what
            peers were to receive.
        null: whether it was given a NULL pointer.
        path: the Unix path that it was given; ``""`` for none.
        numbers: the list of numbers that it was given.
        takes: how many bytes it is to take off its connection, part by part,
            where a check has said so: ``(4, 11)`` is a header and a payload.
        endless: whether it is to go on until it is ended, by the judge or by a
            signal.
        may_end: whether that signal has been sent.
        judged: whether a check has asked how it ended.
        outcome: the learner's answer: ``returned``, ``raised`` or ``broke``.
        blocks: of C, the code that had run last when it returned: offsets in the
            module.
        frame: of C, what was kept of its frame then.
        decided: the ``return`` or ``raise`` that it came of, if that is known.
    """

    function: str
    shown: str
    first: int
    last: int | None = None
    message: bytes | None = None
    told: bool = False
    null: bool = False
    path: str = ""
    numbers: tuple[int, ...] = ()
    takes: tuple[int, ...] = ()
    endless: bool = False
    may_end: bool = False
    judged: bool = False
    outcome: dict | None = None
    blocks: list[int] = field(default_factory=list)
    frame: bytes = b""
    decided: Moment | None = None

    @property
    def has_stopped(self) -> bool:
        """Whether it has ended by itself, where it was to go on."""
        return self.endless and not self.may_end and self.outcome is not None

    @property
    def succeeded(self) -> bool:
        return self.outcome is not None and "returned" in self.outcome

    @property
    def raised(self) -> dict | None:
        """The error that it has reported, if it has."""
        return (self.outcome or {}).get("raised")


@dataclass(frozen=True)
class Failure:
    """What a verb found: the first expectation that was not met.

    Attributes:
        kind: what sort of expectation it was, for the rules: ``bytes``,
            ``outcome`` (another result), ``success`` (a result where an error
            was to be reported), ``broke`` (one that no contract knows), ``bytes``
            (others arrive), ``refused`` (nobody listens any more), ``unmet``
            (nobody ever did, or another event cannot come), ``hang``, ``died``,
            ``memory`` (a sanitizer has ended it), ``state``.
        sentence: what happened, said without knowing why.
        line: of the learner's file, where one is known.
        read: what to read, where the failure itself says so.
        gap: slug of the gap that the failure itself proves, if it does: an
            answer that only this mistake gives.
        address: that a client was refused at.
        errors: names of those one of which the script expected to be reported.
    """

    kind: str
    sentence: str
    verdict: Verdict = Verdict.FAIL
    line: int | None = None
    difference: Difference | None = None
    read: str = ""
    messages: str = ""
    gap: str = ""
    address: str = ""
    errors: tuple[str, ...] = ()


@dataclass
class Descriptor:
    """The life of one descriptor, from the call that made it to its close."""

    number: int
    made: Call | None  # None: lent to the program
    calls: list[Call] = field(default_factory=list)
    closed: Call | None = None

    def first(self, group: str) -> Call | None:
        """The first call of a group on it."""
        return next((call for call in self.calls if call.any_of(group)), None)

    def succeeded(self, group: str) -> Call | None:
        """The first call of a group on it that did not fail."""
        return next((c for c in self.calls if c.any_of(group) and c.done and not c.failed), None)

    @property
    def was_accepted(self) -> bool:
        """Whether it is a connection that accept() has returned."""
        return self.made is not None and self.made.any_of("accept")

    @property
    def family(self) -> int:
        """The address family of a socket that the program has made; 0 of any other."""
        return self.made.arg("domain") if self.made is not None and self.made.name == "socket" else 0

    @property
    def has_datagrams(self) -> bool:
        """Whether it is a socket that the program has made, and what is sent at once is
        received at once: one of datagrams, or a raw one."""
        return bool(self.family) and self.made.arg("type") & _TYPE in (socket.SOCK_DGRAM, socket.SOCK_RAW)

    @property
    def is_raw(self) -> bool:
        """Whether it is a raw socket, which has whole IP packets or frames."""
        return self.has_datagrams and self.made.arg("type") & _TYPE == socket.SOCK_RAW

    @cached_property
    def is_listening(self) -> bool:
        return self.succeeded("listen") is not None


@dataclass
class Evidence:
    """What peers, kernel and trace have shown of one check.

    Attributes:
        source: the learner's file.
        calls: the trace.
        runs: the function calls, in order.
        lent: numbers of the descriptors that were lent.
        before, after: the kernel's view before the first and after a run.
        message: what the program was to send on its connection, if the check
            has said so.
        addresses: how many addresses the scripted resolver has.
        families: and of which families they are.
        lacks: the family of which its machine has no address but loopback.
        port: the port that the program was given, where a check has one.
        time_wait: whether that port had a connection in TIME_WAIT.
        given: what the program has handed to its caller (proc(5): ``socket:[1234]``).
        time_limit: what the program was given on a held clock, in nanoseconds;
            0 if nothing.
        has_no_time: whether it was given a limit of 0.
        is_clock_held: whether its time moves by script.
        bulk: whether so much was moved at once that the kernel's pieces differ
            from run to run.
        has_choices: whether what was moved holds bytes that the program chooses,
            other ones in every run.
        deserted: descriptors that a server holds for connections whose other end
            is gone.
        signalled: index of the first record after the script's signal, -1
            without one.
        lost: how many records of the trace were overwritten unread.
        queued: who has connected and has not been accepted.
        unread: descriptors of connections in which something lies unreceived.
        talks: what those have said and got who are connected; whoever waits in
            vain, or has got other bytes, comes first.
        moments: what the program was about at a call.
        standing: path -> what the script has put there: ``a socket``, ``a stale socket``.
    """

    source: Source
    calls: list[Call]
    runs: list[Run]
    lent: list[int] = field(default_factory=list)
    before: State | None = None
    after: State | None = None
    message: bytes | None = None
    addresses: int = 0
    families: frozenset[int] = frozenset()
    lacks: str = ""
    port: int = 0
    time_wait: bool = False
    given: set[str] = field(default_factory=set)
    time_limit: int = 0
    has_no_time: bool = False
    is_clock_held: bool = False
    bulk: bool = False
    has_choices: bool = False
    deserted: list[int] = field(default_factory=list)
    signalled: int = -1
    lost: int = 0
    queued: list[str] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    talks: list[Talk] = field(default_factory=list)
    moments: Callable[[Call], Moment] = lambda call: Moment(call.line)
    standing: dict[str, str] = field(default_factory=dict)

    @property
    def run(self) -> Run | None:
        """The last function call, if there was one."""
        return self.runs[-1] if self.runs else None

    @property
    def wronged(self) -> Talk | None:
        """The talk with whoever waits for bytes in vain, or has got others."""
        return self.talks[0] if self.talks and self.talks[0].owed else None

    def place(self, call: Call | None) -> str:
        """``file:line`` of a call, or the file alone where the line is unknown."""
        line = call.line if call else None
        return str(Place(self.source.name, line)) if line else self.source.name

    def during(self, run: Run) -> list[Call]:
        """The calls that were made while a function ran; those of processes that
        it left behind, until the next one was called."""
        end = min((other.first for other in self.runs if other.first > run.first), default=1 << 62)
        last = end if run.last is None else run.last
        return [c for c in self.calls if run.first <= c.index < (last if c.pid == self.pid else end)]

    @cached_property
    def pid(self) -> int:
        """The process that the functions were called in: the first to make a call."""
        return self.calls[0].pid if self.calls else 0

    @cached_property
    def children(self) -> dict[int, Call]:
        """Process id -> the call that it comes from."""
        begins = ("fork", "posix_spawn")
        return {call.result: call for call in self.calls if call.name in begins and call.done and call.result > 0}

    @cached_property
    def descriptors(self) -> list[Descriptor]:
        """The lives of all descriptors, in the order of their beginnings; what a
        child has inherited is a descriptor of its own, and not among them."""
        open_now: dict[int, Descriptor] = {n: Descriptor(n, None) for n in self.lent}
        lives = list(open_now.values())

        def begin(number: int, call: Call) -> None:
            if call.name == "dup2" and number in open_now:
                open_now.pop(number).closed = call
            open_now[number] = life = Descriptor(number, call, [call])
            lives.append(life)

        own = [call for call in self.calls if call.pid == self.pid]
        moments = [(call.entered, call.index, call, False) for call in own]
        # a descriptor is there when its call returns: other threads go on meanwhile
        moments += [(call.left, call.index, call, True) for call in own if call.done and call.result >= 0]
        for _time, _index, call, returns in sorted(moments, key=lambda moment: moment[:2]):
            if not returns:
                if call.fd in open_now:
                    open_now[call.fd].calls.append(call)
                    if call.name in ("close", "abandon") and call.done and call.errno != "EBADF":
                        open_now.pop(call.fd).closed = call
            else:
                for number in call.made:
                    begin(number, call)
        return lives

    @property
    def accepted(self) -> list[Descriptor]:
        """The lives of the connections that accept() has returned."""
        return [life for life in self.descriptors if life.was_accepted]

    def life(self, call: Call) -> Descriptor | None:
        """The descriptor that a call worked on, as it was then."""
        return next((life for life in self.descriptors if any(c is call for c in life.calls)), None)

    def is_of_datagrams(self, call: Call) -> bool:
        """Whether a call was on a datagram socket, where each message is one of its own
        and nothing is the end."""
        life = self.life(call)
        return life is not None and life.has_datagrams

    def is_given(self, life: Descriptor) -> bool:
        """Whether a descriptor that is open has been handed to the caller."""
        table = self.after.descriptors if self.after else {}
        if self.runs and self.is_closed_within(self.runs[-1], life):
            return False
        return table.get(life.number, "") in self.given

    def is_closed_within(self, run: Run, life: Descriptor) -> bool:
        """Whether a descriptor was closed before a function returned."""
        return life.closed is not None and (run.last is None or life.closed.index < run.last)

    def name_of(self, life: Descriptor) -> str:
        """The variable that holds a descriptor, or words for it."""
        for call in life.calls:
            if call.fd == life.number and (name := self.source.descriptor(call)):
                return f"`{name}`"
        if life.made is not None and (name := self.source.assigned(life.made)):
            return f"`{name}`"
        return "the lent descriptor" if life.made is None else "a descriptor"
