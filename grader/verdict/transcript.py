"""The story of a check: who did what, in an order that never varies.

Peers and program run at the same time, so the clock would tell a different
story in every repetition.  The order told here follows from cause and effect:
a byte is received after it was sent, an accept follows its connect; where
neither side waited for the other, the program's calls are told first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from grader.learner.trace import layout
from grader.learner.trace.reader import Call, eai_name
from grader.verdict.evidence import Evidence
from grader.verdict.model import Line
from grader.verdict.words import counted

#: How many of its last entries a transcript has.
_TOLD = 60

#: Calls that a transcript leaves out: they move nothing.
_SILENT = {
    "getsockname", "getpeername", "fcntl", "ioctl", "freeaddrinfo", "getsockopt", "epoll_ctl", "fdopen",
    "thread_start",
}  # fmt: skip
_SENDS = layout.GROUPS["send"]
_RECEIVES = layout.GROUPS["recv"]
_WAITS = layout.GROUPS["wait"]


@dataclass
class Step:
    """One thing that the script did or saw.

    Attributes:
        text: what a transcript says of it.
        actor: ``"peer"`` or ``"learner"`` (for the start of a function).
        connects, sends, ends: what it gave the program to receive: a
            connection, so many bytes, an end-of-file or a reset.
        accepts, receives: what it needed from the program first.
        after: index of the record whose entry it waited for.
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
    after: int = -1
    starts: int = -1
    moment: int = 0

    @property
    def is_one_sided(self) -> bool:
        """Whether a peer could do or see it whatever the program did."""
        return self.actor == "peer" and not (self.accepts or self.receives or self.moment)


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
    """Whether a call ended, or waits, after the held clock was moved by a step."""
    end = max(call.entered, call.left, call.until)
    return any(0 < step.moment <= end for step in steps)


def _actors(evidence: Evidence) -> list[deque[Call]]:
    """The calls of each thread of each process, the oldest first.

    What they do at the same time is told one after the other.
    """
    actors: dict[tuple[int, int], deque[Call]] = {}
    for run in evidence.runs:
        calls: dict[tuple[int, int], list[Call]] = {}
        for call in evidence.during(run):
            calls.setdefault((call.pid, call.tid), []).append(call)
        for actor, made in calls.items():
            actors.setdefault(actor, deque()).extend(_worth_telling(made, loops=run.endless))
    return [actors[key] for key in sorted(actors)]


def _worth_telling(calls: list[Call], *, loops: bool) -> Iterator[Call]:
    """Calls without those that move nothing.

    Args:
        loops: whether they are a server's.  How often its loop waits between
            two events is chance; a wait that ends, and is followed by nothing
            but another one, is a story.
    """
    told = [call for call in calls if call.name not in _SILENT]
    for call, following in zip_longest(told, told[1:]):
        quiet = loops and call.name in _WAITS and call.done and not call.failed
        if not quiet or (call.result > 0 and following is not None and following.name == call.name):
            yield call


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

    def may_happen(self, call: Call) -> bool:
        number = sum(run.first <= call.index for run in self._runs)
        if number > self._started or call.pid in self._unborn or not (call.done or self._alone):
            return False
        if not call.done or (call.failed and not call.injected and call.errno not in ("ECONNRESET", "EPIPE")):
            return True
        if call.any_of("accept"):
            return call.failed or self._accepted < self._connects
        if call.name in _RECEIVES:
            if call.failed or call.result == 0:
                return bool(call.injected) or self._ends > 0
            return self._received + call.result <= self._sent
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

    def lines(self, entry: Step | list[Call]) -> list[Line]:
        """What the transcript says of a step, or of the turns of a loop."""
        if isinstance(entry, Step):
            return [Line(entry.actor, entry.text)]
        group = entry
        if self._evidence.bulk and _moves(group[0]):
            # as the kernel cuts it: neither numbers nor sizes
            names = " and ".join(dict.fromkeys(f"{call.name}()" for call in group))
            end = "again and again" if _moves_alike(group[0], group[-1]) else "..."
            end = f"= -1 {group[0].errno}" if group[0].failed else end
            return [Line("learner", f"{_place(self._evidence, group[0])}{names} {end}")]
        if len(group) <= 3:
            return [Line("learner", spoken(self._evidence, call)) for call in group]
        moved = sum(max(call.result, 0) for call in group)
        first = spoken(self._evidence, group[0])
        if group[0].name in _WAITS or not _moves(group[0]):
            return [Line("learner", f"{_place(self._evidence, group[0])}{group[0].name}() again and again")]
        if group[0].name in _RECEIVES or moved == 0:
            # how the kernel cuts a stream, or how far a loop has come: no count
            text = f"{_place(self._evidence, group[0])}{group[0].name}() again and again: {counted(moved)} in all"
            return [Line("learner", text)]
        again = (
            f"{_place(self._evidence, group[1])}{group[1].name}() {len(group) - 1} times more: {counted(moved)} in all"
        )
        return [Line("learner", first), Line("learner", again)]


def _place(evidence: Evidence, call: Call) -> str:
    return f"{evidence.place(call)}  " if call.line else ""


def spoken(evidence: Evidence, call: Call) -> str:
    """One call as strace would have it, with the program's own names."""
    name = evidence.source.descriptor(call) or ("fd" if call.fd >= 0 else "")
    if call.name == "getaddrinfo":
        name = ""
    text = f"{call.name}({', '.join(filter(None, [name, *_details(call)]))})"
    if evidence.source.language == "python" and name and call.name not in ("select", "poll", "abandon"):
        text = f"{name}.{_name(call)}({', '.join(_details(call))})"
    if call.name == "abandon":
        life = evidence.life(call)
        text = f"{evidence.name_of(life).strip('`') if life else 'a socket'} is left open, to the garbage collector"
        return f"{_place(evidence, call)}{text}"
    if not call.done:
        return f"{_place(evidence, call)}{text} ..."
    if call.failed and (call.name != "getaddrinfo" or call.errno):
        text += f" = -1 {call.errno}"
    elif call.name in ("socket", "accept", "accept4", "dup", "fork", "epoll_create", "getaddrinfo"):
        assigned = evidence.source.assigned(call)
        text = f"{assigned} = {text}" if assigned and call.name != "getaddrinfo" else text
        if call.name == "getaddrinfo" and call.result:
            text += f" = {eai_name(call.result)}"
    elif call.name in _SENDS or call.name in _RECEIVES or call.name in _WAITS:
        text += f" = {call.result}"
    return f"{_place(evidence, call)}{text}{'   (INJECTED)' if call.injected else ''}"


def _name(call: Call) -> str:
    """What the program calls a call: Python has names of its own for a mode."""
    if call.name == "setsockopt" and call.args[0] == -1:
        return "settimeout" if call.args[2] else "setblocking"
    return call.name


def _time_limit(call: Call) -> str:
    """The time limit that a call sets, or has on a held clock."""
    if call.name == "setsockopt" and call.args[0] == -1:
        return f"{call.args[2] / 1000:g}" if call.args[2] else str(bool(call.args[3]))
    return f"{call.patience / 1000:g} s" if call.any_of("wait") and call.patience else ""


def _details(call: Call) -> list[str]:
    if limit := _time_limit(call):
        return [limit]
    if call.name in _SENDS or call.name in _RECEIVES:
        return [f"{counted(call.args[0])}"]
    if call.name in ("bind", "connect") and call.address:
        return [call.address[0]]
    if call.name == "getaddrinfo":
        host = call.payload.partition(b"\0")[0].decode(errors="replace")
        return [host or "NULL"]
    if call.name in ("listen", "exit"):
        return [str(call.args[0])]
    return []
