"""The story of a check: who did what, in an order that never varies.

Peers and program run at the same time, so the clock would tell a different
story in every repetition.  The order told here follows from cause and effect:
a byte is received after it was sent, an accept follows its connect; where
neither side waited for the other, the program's calls are told first.
"""

from __future__ import annotations

import fcntl
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from grader.trace import layout
from grader.trace.calls import GROUPS
from grader.trace.reader import Call
from grader.verdict.evidence import Evidence
from grader.verdict.model import WAITS, Line, Told
from grader.verdict.spoken import Speaker
from grader.verdict.words import counted

#: How many of its last entries a transcript has.
_TOLD = 60
#: So many turns of a loop are told one by one: in a transcript, and in all that was said.
_TURNS, _MANY_TURNS = 3, 40

#: Calls that a transcript leaves out: they move nothing.
_SILENT = {
    "getsockname", "getpeername", "fcntl", "ioctl", "freeaddrinfo", "epoll_ctl", "fdopen", "thread_start",
}  # fmt: skip
#: But for these: commands of fcntl() that lock, options that tell who the peer is.
_LOCKS = (fcntl.F_SETLK, fcntl.F_SETLKW, fcntl.F_OFD_SETLK, fcntl.F_OFD_SETLKW)
_ASKED_OF_PEERS = ("SO_PEERCRED",)
#: Left out of all that was said, too: no function of the program's has called it.
_OF_NOBODY = ("thread_start",)
_RECEIVES = GROUPS["recv"]
_SENDS = GROUPS["send"]
_WAITS = GROUPS["wait"]
#: Calls that sleep until something has come about.
_SLEEPS = (*_RECEIVES, *GROUPS["accept"], *_WAITS, *_SENDS, "connect", "sleep", "pause", "sigwait", "waitpid",
           "pthread_join", "flock", "fcntl")  # fmt: skip
_OF_LIBRARY = layout.STATE_BIT["library"]
#: What a program has made for itself, so that no peer is at the other end.
_OF_ITSELF = ("socketpair", "pipe", "open", "mkstemp")
#: Errors that come of what a peer has done.
_BROKEN = ("ECONNRESET", "EPIPE")


@dataclass
class Step:
    """One thing that the script did or saw.

    Attributes:
        text: what a transcript says of it.
        actor: ``"peer"`` or ``"learner"`` (for the start of a function).
        connects, sends, ends: what it gave the program to receive: a
            connection, so many bytes, an end-of-file or a reset.
        accepts, receives: what it needed from the program first.
        since: index of the first record that is later than it, where it has seen
            the program at rest; 0 where it has not.
        starts: index of the function call it begins.
        moment: what the held clock shows after it, where it moved the clock:
            what the program does from then on comes later.
        party: whose it is, where several are connected.
        data: the bytes that were sent, or have come, where they are known.
    """

    text: str
    actor: str = "peer"
    connects: int = 0
    sends: int = 0
    ends: int = 0
    accepts: int = 0
    receives: int = 0
    since: int = 0
    starts: int = -1
    moment: int = 0
    party: str = ""
    data: bytes = b""

    @property
    def is_one_sided(self) -> bool:
        """Whether a peer could do or see it whatever the program did."""
        return self.actor == "peer" and not (self.accepts or self.receives or self.moment)


#: Instead of a thread id; higher than any.
_COLLECTOR = 1 << 62


def tell(evidence: Evidence, steps: list[Step]) -> list[Line]:
    """Merge the script's steps and the program's calls."""
    story = _Story(evidence, steps)
    told = list(_in_order(story, evidence, steps))
    return [line for entry in told[-_TOLD:] for line in story.lines(entry)]


def tell_all(evidence: Evidence, steps: list[Step]) -> list[Told]:
    """The same with every call, its bytes, and the waits: what a program sleeps in while
    peers go on."""
    story = _Story(evidence, steps, turns=_MANY_TURNS)
    return [told for entry in _in_order(story, evidence, steps, is_whole=True) for told in story.told(entry)]


def _in_order(
    story: _Story, evidence: Evidence, steps: list[Step], *, is_whole: bool = False
) -> Iterator[Step | list[Call] | Call]:
    """Steps, turns of a loop as one, and, where all is told, calls that sleep while the
    next step is taken."""
    actors, queue = _actors(evidence, is_whole=is_whole), deque(steps)
    waited: set[int] = set()
    while any(actors) or queue:
        may = (c for c in actors if c and story.may_happen(c[0]) and not _is_later(c[0], queue))
        if is_whole and queue:  # of a call that lasts until the end it is told that it waits
            may = (c for c in may if c[0].done)
        calls = next(may, None)
        if calls is None and not queue:
            calls = next(filter(None, actors))
        if calls is not None:
            group = [calls.popleft()]
            story.happened(group[0])
            alike = _moves_alike if evidence.bulk else _alike
            while calls and alike(group[0], calls[0]) and story.may_happen(calls[0]) and not _is_later(calls[0], queue):
                group.append(calls.popleft())
                story.happened(group[-1])
            yield group
            continue
        for call in (calls[0] for calls in actors if calls and is_whole):
            if call.index not in waited and story.sleeps_in(call, queue):
                waited.add(call.index)
                yield call
        step = queue.popleft()
        story.done(step)
        yield step


def _is_later(call: Call, steps: Iterable[Step]) -> bool:
    """Whether a call was made after a step that saw the program at rest; or ended,
    or waits, after the held clock was moved by one."""
    end = max(call.entered, call.left, call.until)
    return any(0 < step.moment <= end or 0 < step.since <= call.index for step in steps)


def _actors(evidence: Evidence, *, is_whole: bool) -> list[deque[Call]]:
    """The calls of each thread of each process, the oldest first.

    What they do at the same time is told one after the other.  The garbage collector
    works for whichever of several threads runs: it comes last, as one of its own.
    """
    actors: dict[tuple[int, int], deque[Call]] = {}
    has_threads = len({call.tid for call in evidence.calls}) > 1
    for run in evidence.runs:
        calls: dict[tuple[int, int], list[Call]] = {}
        for call in evidence.during(run):
            is_collected = has_threads and call.name == "abandon"
            calls.setdefault((call.pid, _COLLECTOR if is_collected else call.tid), []).append(call)
        for actor, made in calls.items():
            actors.setdefault(actor, deque()).extend(_worth_telling(made, loops=run.endless, is_whole=is_whole))
    return [actors[key] for key in sorted(actors)]


def _worth_telling(calls: list[Call], *, loops: bool, is_whole: bool) -> Iterator[Call]:
    """Calls without those that move nothing, or are a library's own.

    Args:
        loops: whether they are a server's.  How often its loop waits between
            two events is chance; a wait that ends, and is followed by nothing
            but another one, is a story.
        is_whole: whether those that move nothing are told, too.
    """
    is_left_out = _is_nobodys if is_whole else _is_silent
    told = [call for call in calls if not is_left_out(call) and not call.states & _OF_LIBRARY]
    for call, following in zip_longest(told, told[1:]):
        quiet = loops and call.name in _WAITS and call.done and not call.failed and not (is_whole and call.result)
        if not quiet or (call.result > 0 and following is not None and following.name == call.name):
            yield call


def _is_nobodys(call: Call) -> bool:
    return call.name in _OF_NOBODY


def _is_silent(call: Call) -> bool:
    """Whether a transcript leaves a call out."""
    if call.name == "getsockopt":
        return call.option not in _ASKED_OF_PEERS
    return call.name in _SILENT and not (call.name == "fcntl" and call.args[0] in _LOCKS)


def _alike(a: Call, b: Call) -> bool:
    """Whether two neighbours are turns of one loop."""
    if (a.name, a.line, a.fd) != (b.name, b.line, b.fd):
        return False
    if not a.done or not b.done:
        return True
    return (a.result, a.error) == (b.result, b.error) or not (a.failed or b.failed or 0 in (a.result, b.result))


def _moves(call: Call) -> bool:
    return call.any_of("send") or call.any_of("recv") or call.any_of("wait")


def _moves_alike(a: Call, b: Call) -> bool:
    """Whether two calls belong to one loop that sends and receives in bulk."""
    return all(_moves(call) and call.done and not call.failed for call in (a, b))


def _owners(evidence: Evidence, steps: list[Step]) -> dict[int, str]:
    """Index of a call -> whose connection it is on; of those whose steps tell all that they
    have sent."""
    said: Counter[str] = Counter()
    for step in steps:
        said[step.party] += step.sends
    owners: dict[int, str] = {}
    shared: set[int] = set()  # as the socket that all datagrams come by
    for talk in evidence.talks:
        own = {call.index for call in talk.calls}
        shared |= own & owners.keys()
        if talk.name in said and said[talk.name] == len(talk.said):
            owners |= dict.fromkeys(own, talk.name)
    return {index: name for index, name in owners.items() if index not in shared}


def _threads(evidence: Evidence) -> dict[tuple[int, int], int]:
    """Process and thread -> the how many-th that the process has made."""
    numbers: dict[tuple[int, int], int] = {}
    made: Counter[int] = Counter()
    for call in evidence.calls:
        if call.name == "thread_start":
            made[call.pid] += 1
            numbers[call.pid, call.tid] = made[call.pid]
    return numbers


class _Story:
    """What has happened so far, counted over all connections."""

    def __init__(self, evidence: Evidence, steps: list[Step], turns: int = _TURNS) -> None:
        self._evidence, self._most = evidence, turns
        self._started = 0 if any(step.starts >= 0 for step in steps) else 1
        self._connects = self._sent = self._ends = 0
        self._accepted = self._received = 0
        self._runs = evidence.runs
        self._alone = len({(call.pid, call.tid) for call in evidence.calls}) == 1
        self._unborn = set(evidence.children)
        self._owners = _owners(evidence, steps)
        own = (life for life in evidence.descriptors if life.made and life.made.name in _OF_ITSELF)
        self._of_itself = {call.index for life in own for call in life.calls}
        self._heard_of: dict[str, Counter[str]] = {}  # by party: what it has sent, and the program has received
        self._threads = _threads(evidence)
        self._created: Counter[int] = Counter()  # by process: threads that it has made
        self._stirred = False  # something has happened that a wait may have ended for
        self._speaker = Speaker(evidence)

    def may_happen(self, call: Call) -> bool:
        if not self._has_begun(call) or not (call.done or self._alone):
            return False
        if not self._stirred and self._follows_the_signal(call):
            return False
        is_made_up = bool(call.injected & (layout.ERROR | layout.RETVAL))
        return not call.done or is_made_up or call.index in self._of_itself or self._has_cause(call)

    def _has_begun(self, call: Call) -> bool:
        """Whether the function that makes a call, and its process, are there."""
        return sum(run.first <= call.index for run in self._runs) <= self._started and call.pid not in self._unborn

    def sleeps_in(self, call: Call, steps: Iterable[Step]) -> bool:
        """Whether a call has been made, and what it waits for comes with one of these steps."""
        is_born = self._threads.get((call.pid, call.tid), 0) <= self._created[call.pid]
        if call.name not in _SLEEPS or not (is_born and self._has_begun(call)):
            return False
        if any(0 < step.since <= call.index for step in steps):
            return False
        end = max(call.left, call.until)
        lasts = any(call.entered < step.moment <= end for step in steps)
        return lasts or not call.done or not (call.index in self._of_itself or self._has_cause(call))

    def _follows_the_signal(self, call: Call) -> bool:
        """Whether a call came after the script's signal, or was ended by it."""
        signalled = self._evidence.signalled
        is_ended = call.failed and call.errno == "EINTR" and not call.injected
        return signalled >= 0 and (call.index >= signalled or is_ended)

    def _has_cause(self, call: Call) -> bool:
        """Whether what a call has reported has come about."""
        if call.failed:
            return call.errno not in _BROKEN or self._ends > 0
        if call.name in _RECEIVES and call.index in self._owners:
            has = self._of(self._owners[call.index])
            return has["received"] + call.result <= has["sent"] if call.result else has["ends"] > 0
        if call.name in _RECEIVES:
            return self._received + call.result <= self._sent if call.result else self._ends > 0
        if call.any_of("accept"):
            return self._accepted < self._connects
        if call.name in _WAITS and call.result > 0 and not call.args[2]:  # nor is it for room to send
            came = self._sent > self._received or self._connects > self._accepted or self._ends > 0
            return came or self._stirred or bool(self._evidence.children)
        return True

    def happened(self, call: Call) -> None:
        if call.any_of("accept") and not call.failed:
            self._accepted += 1
        elif call.name == "fork":
            self._unborn.discard(call.result)
        elif call.name == "pthread_create" and not call.failed:
            self._created[call.pid] += 1
        elif call.name in _RECEIVES and call.done and call.result > 0:
            self._received += call.result
            self._of(self._owners.get(call.index, "")).update(received=call.result)

    def _of(self, party: str) -> Counter[str]:
        return self._heard_of.setdefault(party, Counter())

    def done(self, step: Step) -> None:
        self._connects += step.connects
        self._sent += step.sends
        self._ends += step.ends
        self._of(step.party).update(sent=step.sends, ends=step.ends)
        self._started += step.starts >= 0
        self._stirred |= step.actor == "learner" and step.starts < 0

    def lines(self, entry: Step | list[Call]) -> list[Line]:
        """What the transcript says of a step, or of the turns of a loop."""
        if isinstance(entry, Step):
            return [Line(entry.actor, entry.text)]
        return self._bulk(entry) if self._evidence.bulk and _moves(entry[0]) else self._turns(entry)

    def told(self, entry: Step | list[Call] | Call) -> list[Told]:
        """What is told of it where all is told: a single call sleeps."""
        if isinstance(entry, Call):
            pending = self._speaker.spoken(replace(entry, done=False))
            return [Told(replace(pending, result=WAITS))]
        if isinstance(entry, Step):
            return [Told(Line(entry.actor, entry.text), entry.data, len(entry.data))]
        if len(entry) > self._most or (self._evidence.bulk and _moves(entry[0])):
            return [Told(line) for line in self.lines(entry)]
        return [self._in_full(call) for call in entry]

    def _in_full(self, call: Call) -> Told:
        """One call, with the bytes that it has moved."""
        line = self._speaker.spoken(call)
        if not call.done and call.name in _SLEEPS:
            return Told(replace(line, result=" still waits"))
        if not call.done or call.failed or not (call.any_of("send") or call.any_of("recv")):
            return Told(line)
        size = call.arg("length") if call.name == "sendall" else max(0, call.result)
        return Told(line, call.payload[:size], size)

    def _bulk(self, group: list[Call]) -> list[Line]:
        """Calls as the kernel cuts them: neither numbers nor sizes."""
        first = group[0]
        names = " and ".join(dict.fromkeys(f"{call.name}()" for call in group))
        end = " again and again" if _moves_alike(first, group[-1]) else " ..."
        if first.failed:
            end = self._speaker.spoken(first).result
        return [self._speaker.summary(first, names, end)]

    def _turns(self, group: list[Call]) -> list[Line]:
        first = group[0]
        if len(group) <= self._most:
            return [self._speaker.spoken(call) for call in group]
        if first.name in _WAITS or not _moves(first):
            return [self._speaker.summary(first, f"{first.name}()", " again and again")]
        moved = sum(max(call.result, 0) for call in group)
        if first.name in _RECEIVES or moved == 0:
            # how the kernel cuts a stream, or how far a loop has come: no count
            return [self._speaker.summary(first, f"{first.name}()", f" again and again: {counted(moved)} in all")]
        again = f" {len(group) - 1} times more: {counted(moved)} in all"
        return [self._speaker.spoken(first), self._speaker.summary(group[1], f"{first.name}()", again)]
