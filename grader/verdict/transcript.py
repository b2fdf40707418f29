"""The story of a check: who did what, in an order that never varies.

Peers and program run at the same time, so the clock would tell a different
story in every repetition.  The order told here follows from cause and effect:
a byte is received after it was sent, an accept follows its connect; where
neither side waited for the other, the program's calls are told first.
"""

from __future__ import annotations

import fcntl
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from grader.trace import layout
from grader.trace.calls import GROUPS
from grader.trace.reader import Call
from grader.verdict.evidence import Evidence
from grader.verdict.model import Line
from grader.verdict.spoken import Speaker
from grader.verdict.words import counted

#: How many of its last entries a transcript has.
_TOLD = 60

#: Calls that a transcript leaves out: they move nothing.
_SILENT = {
    "getsockname", "getpeername", "fcntl", "ioctl", "freeaddrinfo", "epoll_ctl", "fdopen", "thread_start",
}  # fmt: skip
#: But for these: commands of fcntl() that lock, options that tell who the peer is.
_LOCKS = (fcntl.F_SETLK, fcntl.F_SETLKW, fcntl.F_OFD_SETLK, fcntl.F_OFD_SETLKW)
_ASKED_OF_PEERS = ("SO_PEERCRED",)
_RECEIVES = GROUPS["recv"]
_WAITS = GROUPS["wait"]
_OF_LIBRARY = layout.STATE_BIT["library"]
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

    @property
    def is_one_sided(self) -> bool:
        """Whether a peer could do or see it whatever the program did."""
        return self.actor == "peer" and not (self.accepts or self.receives or self.moment)


#: Instead of a thread id; higher than any.
_COLLECTOR = 1 << 62


def tell(evidence: Evidence, steps: list[Step]) -> list[Line]:
    """Merge the script's steps and the program's calls."""
    story = _Story(evidence, steps)
    actors, queue = _actors(evidence), deque(steps)
    told: list[Step | list[Call]] = []  # steps, and turns of a loop as one
    while any(actors) or queue:
        may = (c for c in actors if c and story.may_happen(c[0]) and not _is_later(c[0], queue))
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
            told.append(group)
        else:
            step = queue.popleft()
            story.done(step)
            told.append(step)
    return [line for entry in told[-_TOLD:] for line in story.lines(entry)]


def _is_later(call: Call, steps: Iterable[Step]) -> bool:
    """Whether a call was made after a step that saw the program at rest; or ended,
    or waits, after the held clock was moved by one."""
    end = max(call.entered, call.left, call.until)
    return any(0 < step.moment <= end or 0 < step.since <= call.index for step in steps)


def _actors(evidence: Evidence) -> list[deque[Call]]:
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
            actors.setdefault(actor, deque()).extend(_worth_telling(made, loops=run.endless))
    return [actors[key] for key in sorted(actors)]


def _worth_telling(calls: list[Call], *, loops: bool) -> Iterator[Call]:
    """Calls without those that move nothing, or are a library's own.

    Args:
        loops: whether they are a server's.  How often its loop waits between
            two events is chance; a wait that ends, and is followed by nothing
            but another one, is a story.
    """
    told = [call for call in calls if not _is_silent(call) and not call.states & _OF_LIBRARY]
    for call, following in zip_longest(told, told[1:]):
        quiet = loops and call.name in _WAITS and call.done and not call.failed
        if not quiet or (call.result > 0 and following is not None and following.name == call.name):
            yield call


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


class _Story:
    """What has happened so far, counted over all connections."""

    def __init__(self, evidence: Evidence, steps: list[Step]) -> None:
        self._evidence = evidence
        self._started = 0 if any(step.starts >= 0 for step in steps) else 1
        self._connects = self._sent = self._ends = 0
        self._accepted = self._received = 0
        self._runs = evidence.runs
        self._alone = len({(call.pid, call.tid) for call in evidence.calls}) == 1
        self._unborn = set(evidence.children)
        self._stirred = False  # something has happened that a wait may have ended for
        self._speaker = Speaker(evidence)

    def may_happen(self, call: Call) -> bool:
        number = sum(run.first <= call.index for run in self._runs)
        if number > self._started or call.pid in self._unborn or not (call.done or self._alone):
            return False
        if not self._stirred and self._follows_the_signal(call):
            return False
        is_made_up = call.injected & (layout.ERROR | layout.RETVAL)
        return not call.done or bool(is_made_up) or self._has_cause(call)

    def _follows_the_signal(self, call: Call) -> bool:
        """Whether a call came after the script's signal, or was ended by it."""
        signalled = self._evidence.signalled
        is_ended = call.failed and call.errno == "EINTR" and not call.injected
        return signalled >= 0 and (call.index >= signalled or is_ended)

    def _has_cause(self, call: Call) -> bool:
        """Whether what a call has reported has come about."""
        if call.failed:
            return call.errno not in _BROKEN or self._ends > 0
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
        elif call.name in _RECEIVES and call.done and call.result > 0:
            self._received += call.result

    def done(self, step: Step) -> None:
        self._connects += step.connects
        self._sent += step.sends
        self._ends += step.ends
        self._started += step.starts >= 0
        self._stirred |= step.actor == "learner" and step.starts < 0

    def lines(self, entry: Step | list[Call]) -> list[Line]:
        """What the transcript says of a step, or of the turns of a loop."""
        if isinstance(entry, Step):
            return [Line(entry.actor, entry.text)]
        return self._bulk(entry) if self._evidence.bulk and _moves(entry[0]) else self._turns(entry)

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
        if len(group) <= 3:
            return [self._speaker.spoken(call) for call in group]
        if first.name in _WAITS or not _moves(first):
            return [self._speaker.summary(first, f"{first.name}()", " again and again")]
        moved = sum(max(call.result, 0) for call in group)
        if first.name in _RECEIVES or moved == 0:
            # how the kernel cuts a stream, or how far a loop has come: no count
            return [self._speaker.summary(first, f"{first.name}()", f" again and again: {counted(moved)} in all")]
        again = f" {len(group) - 1} times more: {counted(moved)} in all"
        return [self._speaker.spoken(first), self._speaker.summary(group[1], f"{first.name}()", again)]
