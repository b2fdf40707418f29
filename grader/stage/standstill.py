"""Words for programs that never come to an end: who owes what to whom.

A hang is told from the side of whoever waits: what he has said, what of it has
come, and what he has not got; then where the program sleeps, and for whom.  Of
several processes and threads the one that has to do with him is spoken of.
Numbers that are the kernel's, how far a large transfer has come, are left out.
"""

from __future__ import annotations

import re
import select
import socket
from collections import Counter

from grader.processes.sockets import sockets_of
from grader.stage import death, holdings
from grader.stage.on_stage import OnStage
from grader.stage.party import Party
from grader.trace.reader import Call
from grader.verdict.evidence import Failure
from grader.verdict.model import Verdict
from grader.verdict.words import counted, ended

#: More bytes than this the kernel cuts as it likes.
_COUNTABLE = 4096
#: How a program asks for room to send, where its source does.
_ASKS_FOR_ROOM = re.compile(r"EVENT_WRITE|EPOLLOUT|POLLOUT|POLLWR|FD_SET\s*\(")


def of_blocked(scene: OnStage, call: Call, awaited: str) -> Failure:
    """A program that waits for what nobody will send."""
    party = scene.company.creditor
    call = _owing(scene, party, call)
    scene.look_up([call])
    if party is not None:
        debt = _debt(scene, party)
    elif scene.runs and call.fd >= 0 and call.any_of("recv"):
        debt = f"{_come(scene, call)} come and nothing more will"
    else:
        debt = _unmet(awaited)
    sentence = f"{debt}; {_function(scene)} sleeps in {_sleeping(scene, call, party)}"
    return Failure("hang", sentence, Verdict.HANG, call.line, read=f"{call.name}(2)")


def of_deadlock(scene: OnStage, call: Call) -> Failure:
    """A program and a peer that both wait for room to send."""
    scene.look_up([call])
    sentence = (
        f"the peer waits until the program reads what it has sent; {_function(scene)} sleeps in "
        f"{call.name}(){scene.at(call)} until the peer reads"
    )
    return Failure("deadlock", sentence, Verdict.HANG, call.line, read=f"{call.name}(2)")


def of_held(scene: OnStage, call: Call, awaited: str) -> Failure:
    """A program all of which waits for one of its threads."""
    scene.look_up([call])
    sentence = f"{call.name}(){scene.at(call)} does not return, and the whole program waits for it; {_unmet(awaited)}"
    return Failure("hang", sentence, Verdict.HANG, call.line)


def of_sleep(scene: OnStage, awaited: str) -> Failure:
    """A program that neither computes nor goes on, after the last limit."""
    alive = scene.process.task_states()
    unfinished = [call for call in scene.process.trace.unfinished if call.name != "execve"]
    waiting = [call for call in unfinished if call.tid in alive]
    if waiting:
        return of_blocked(
            scene, max(waiting, key=lambda call: (call.tid == scene.process.own_pid, call.index)), awaited
        )
    during = _function(scene) if scene.runs else "the program, while it is loaded,"
    return Failure("hang", f"{during} sleeps outside of any socket call; {_unmet(awaited)}", Verdict.HANG)


def of_busy_loop(scene: OnStage) -> Failure:
    """A program that has used up its processor time."""
    line = death.noted_line(scene)
    calls = scene.process.trace.calls
    last = _repeated(calls)
    if not scene.runs:
        return Failure("busy", "the program computes without end while it is loaded", Verdict.HANG, line)
    sentence = f"{_function(scene)} computes without end"
    if last is not None and len(calls) > 50:
        scene.look_up([last])
        sentence, line = (
            f"{_function(scene)} calls {last.name}() over and over; {_each_time(scene, last)}",
            last.line or line,
        )
    return Failure("busy", sentence, Verdict.HANG, line, read=f"{last.name}(2)" if last is not None else "")


def _each_time(scene: OnStage, call: Call) -> str:
    """What comes of a call that is made again and again."""
    outcome = ended(call, scene.unit.language)
    if call.any_of("recv") and call.done and not call.failed:
        if call.only_looks:
            return f"each time it {outcome}, and with MSG_PEEK it takes nothing"
        if call.result == 0 and call.args[0] == 0:
            return "asked for 0 bytes it returns 0, which is not end-of-file"
        if call.result == 0:
            return f"each time it {outcome}, end-of-file: nothing more will come"
    return f"each time it {outcome}"


def _repeated(calls: list[Call]) -> Call | None:
    """What a loop without end does: of the calls it goes round in, the first in
    the text that does more than wait."""
    tail = [call for call in calls[-1000:] if call.done and call.name != "thread_start"]
    if not tail:
        return None
    counts = Counter((call.name, call.where) for call in tail)
    often = [call for call in tail if counts[call.name, call.where] > len(tail) // 8] or tail[-1:]
    often = [call for call in often if not call.any_of("wait")] or often
    first = min(call.where for call in often)
    return next(call for call in reversed(often) if call.where == first)


# --- the parts of a sentence ----------------------------------------------


def _function(scene: OnStage) -> str:
    return f"{scene.runs[-1].function}()"


def _unmet(awaited: str) -> str:
    return f"the check waits in vain until {awaited}"


def _debt(scene: OnStage, party: Party) -> str:
    """What someone has said and waits for, and what has become of it."""
    unanswered = party.unanswered
    sent = _sent_whole(party.datagrams) or _said(unanswered)
    said = list(filter(None, [sent, "end-of-file" if party.has_ended else ""]))
    has_said = f"has sent {' and '.join(said)} and " if said else ""
    words = f"{party.name} {has_said}waits for {party.wants}"
    if (speaker := _speaker(scene, party)) is not None:
        words = f"{speaker.name} has sent {_said(party.owed)}, which {party.name} waits for"
        if cut := _cut_off(scene, speaker):
            words = f"{cut}; {party.name} waits for what {speaker.name} has said"
    if party.link is None:
        return words
    if not party.link.is_held():
        return f"{words}, and stands in the backlog: no accept() has taken it" if party.link.is_open() else words
    unread, moved = party.link.unread(), _moved(scene, party, "send") - len(party.heard)
    if 0 < unread <= _COUNTABLE:
        part = "all" if unread == len(unanswered) else counted(unread)
        words += f"; {part} of it {'are' if part.endswith('s') else 'is'} unread"
    elif party.link.is_stream and 0 < moved <= _COUNTABLE and not scene.arranged.bulk:
        words += f"; {moved} {'has' if moved == 1 else 'have'} come"
    elif not party.link.is_stream and not party.link.has_taken_all():
        words += "; a datagram lies unread in the program's socket"
    others = [other for other in scene.company.connected if other is not party and other.link.is_stream]
    around = (_standing(scene, other) or (_cut_off(scene, other) if other is not speaker else "") for other in others)
    return "; ".join([words, *filter(None, around)])


def _speaker(scene: OnStage, party: Party) -> Party | None:
    """Who else has said what someone waits for."""
    if not party.owed or party.owed in party.said:
        return None
    return next((other for other in scene.company.connected if other.link.is_stream and party.owed in other.said), None)


def _cut_off(scene: OnStage, party: Party) -> str:
    """What somebody else has said that the program has not heard to its end."""
    unread = party.sent - _moved(scene, party, "recv")
    if not 0 <= unread <= _COUNTABLE or (party.has_ended and not unread) or party.link.is_held():
        return ""
    closed = next((c for c in reversed(holdings.calls_on(scene, party.link)) if c.name == "close"), None)
    if closed is None:
        return ""
    scene.look_up([closed])
    rest = f", with {counted(unread)} of {party.sent} unread" if unread else ""
    return f"close(){scene.at(closed)} ended the connection with {party.name}, who had not left{rest}"


def _standing(scene: OnStage, party: Party) -> str:
    """What keeps somebody else: he does not read, or what he has said is unread."""
    if not party.link.is_held():
        return ""
    if party.link.unsent():
        return f"{party.name} does not read"
    unread = party.link.unread()
    return f"what {party.name} has sent is unread" if 0 < unread == party.sent else ""


def _sent_whole(sizes: list[int]) -> str:
    """Datagrams that someone has sent; ``""`` if there are none."""
    if len(sizes) == 1:
        return f"a datagram of {counted(sizes[0])}" if sizes[0] else "an empty datagram"
    return counted(len(sizes), "datagram") if sizes else ""


def _said(data: bytes) -> str:
    """Bytes that someone has sent, as a reader of the program would put it."""
    if not data:
        return ""
    if data in (b"\n", b"\r\n"):
        return "an empty line"
    if data.endswith(b"\n") and len(data) <= _COUNTABLE:
        lines = data.count(b"\n")
        return f"{'a whole line' if lines == 1 else f'{lines} lines'} ({counted(len(data))})"
    return counted(len(data))


def _moved(scene: OnStage, party: Party, group: str) -> int:
    """How many bytes the program has sent to someone, or received from him."""
    calls = holdings.calls_on(scene, party.link)
    return sum(call.result for call in calls if call.any_of(group) and call.done and call.result > 0)


def _come(scene: OnStage, call: Call) -> str:
    """What a function has received, where nobody has more to say: ``2 bytes have``."""
    run = scene.runs[-1]
    calls = [c for c in scene.process.trace.calls if c.index >= run.first and c.fd == call.fd and c.any_of("recv")]
    taken = [c for c in calls if c.done and c.result > 0 and not c.only_looks]
    size = sum(c.result for c in taken)
    if size == 0:
        return "end-of-file has" if any(c.done and c.result == 0 for c in calls) else "nothing has"
    last = b"".join(c.payload[: c.result] for c in taken)
    if last in (b"\n", b"\r\n"):
        return "an empty line has"
    is_line = size == len(last) and last.endswith(b"\n") and last.count(b"\n") == 1
    if is_line:
        return f"a whole line ({counted(size)}) has"
    return "all that was sent has" if scene.arranged.bulk else f"{counted(size)} {'has' if size == 1 else 'have'}"


def _owing(scene: OnStage, party: Party | None, call: Call) -> Call:
    """The call of the process or thread that has to do with whoever waits."""
    if party is None or party.link is None:
        return call
    waiting = scene.process.trace.unfinished
    served = holdings.calls_on(scene, party.link)
    own = [c for c in waiting if any(c is other for other in served)]
    if not own and served:
        own = [c for c in waiting if (c.pid, c.tid) == (served[-1].pid, served[-1].tid)]
    return own[0] if own else call


def _sleeping(scene: OnStage, call: Call, party: Party | None) -> str:
    """Where the program sleeps, and for what."""
    words = f"{call.name}(){scene.at(call)}"
    if call.any_of("recv") and call.only_looks:
        words += ", which only looks at what is there (MSG_PEEK)"
    elif call.any_of("recv") and call.args[1] & socket.MSG_WAITALL:
        words += f", which returns when all {counted(call.args[0])} have come (MSG_WAITALL)"
    other = _talks_to(scene, call)
    if other is not None and other is not party and (call.any_of("recv") or call.any_of("send")):
        words += f", for {other.name}"
    if party is not None and party.link is not None and call.any_of("wait") and _is_not_asked_for(scene, call, party):
        words += (
            f", which does not ask whether {party.name} can take more ({_ASKS_FOR_ROOM.search(scene.source.text)[0]})"
        )
    return words


def _talks_to(scene: OnStage, call: Call) -> Party | None:
    """Whose connection a call works on."""
    inode = sockets_of(scene.process.id_here(call.pid)).get(call.fd) if call.fd >= 0 else None
    streams = (party for party in scene.company.connected if party.link.is_stream)
    return next((party for party in streams if inode and party.link.is_of(inode)), None)


def _is_not_asked_for(scene: OnStage, call: Call, party: Party) -> bool:
    """Whether a rest waits for someone, and the wait would not end when there is
    room for it, although the program knows how to ask."""
    if party.link is None:
        return False
    calls = holdings.calls_on(scene, party.link)
    sent = [c for c in calls if c.any_of("send") and c.done]
    is_left = bool(sent) and sent[-1].leaves_a_rest
    if not is_left or not _ASKS_FOR_ROOM.search(scene.source.text):
        return False
    # of epoll in C it is epoll_ctl() that asks
    asked = [
        c for c in scene.process.trace.calls if c.name == "epoll_ctl" and c.args[1] == sent[-1].fd and not c.failed
    ]
    return not call.args[2] and not (asked and asked[-1].args[2] & select.EPOLLOUT)
