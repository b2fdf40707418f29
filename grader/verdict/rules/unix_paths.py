"""Paths of Unix sockets: whose they are, who may connect, and who asks when."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Evidence, Failure, Run
from grader.verdict.model import Verdict
from grader.verdict.rule import Finding, answer, explains, when_returned

#: The longest path that an address has room for (unix(7)).
_LONGEST = 107
#: What connect() says of a path that nobody has a socket at any more.
_DEAD = "ECONNREFUSED"


@explains
def other_path(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """bind() makes another path than the one that was given: cut by its length, or to fit (M100)."""
    for run in evidence.runs:
        wanted = os.fsencode(run.path)
        for bind in _calls(evidence, run, "bind") if wanted else ():
            name, gaps = bind.path, ()
            if bind.failed or name == wanted or os.path.dirname(name) != os.path.dirname(wanted):
                continue
            life = evidence.life(bind)
            is_cut = wanted.startswith(name)
            renamed = any(c.name == "rename" and _removes(c, run.path) for c in evidence.during(run))
            if renamed and failure.kind != "no-path":
                continue  # it had got the path's name before anybody looked for it
            if life is None or (life.first("listen") is None and len(wanted) <= _LONGEST and not is_cut):
                continue  # a client's own
            shown = os.fsdecode(os.path.basename(name))
            how = f"makes {shown!r}, and not the path that {run.function}() was given"
            if is_cut and len(wanted) > _LONGEST:
                gaps, how = ("long-path",), f"is given {len(name)} bytes of a path of {len(wanted)}, which is too long"
            elif is_cut:
                gaps, how = (
                    ("short-addrlen",),
                    f"makes {shown!r}: its length, {bind.arg('length')}, ends inside the path",
                )
            yield Finding(bind.index, gaps, f"{evidence.place(bind)} bind() {how}", (bind,), "unix(7), sockaddr_un")


@explains
def empty_path(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A server at no path: the kernel takes an empty one for a name of its own kind."""
    for run in evidence.runs:
        for bind in (c for c in evidence.during(run) if c.name == "bind" and c.path is not None and not c.failed):
            life = evidence.life(bind)
            if not bind.path.strip(b"\0") and life is not None and life.first("listen") is not None:
                sentence = (
                    f"{evidence.place(bind)} bind() is given an empty path, and makes an address in no directory: "
                    "nobody finds the server there"
                )
                yield Finding(bind.index, (), sentence, (bind,), "unix(7), Autobind feature")


@explains
def length_refused(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A path that fits is called too long."""
    for run in evidence.runs:
        size = len(os.fsencode(run.path))
        if 0 < size <= _LONGEST and _says(run, "ENAMETOOLONG"):
            sentence = f"a path of {size} bytes fits into an address, and {answer(evidence, run)}"
            yield Finding(when_returned(run), (), sentence, (), "unix(7), sockaddr_un")


@explains
def nameless_directory(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The directory of a path without a slash is taken for one without a name."""
    for call in evidence.calls:
        if call.name == "open" and call.errno == "ENOENT" and call.paths == [""]:
            sentence = f'{evidence.place(call)} open("") fails: a path without a slash is in the directory "."'
            yield Finding(call.index, (), sentence, (call,), "open(2), ERRORS")


@explains
def impatient_lock(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A lock that somebody else has is not waited for."""
    run = evidence.run
    locks = [call for call in evidence.during(run) if call.name == "flock"] if run else []
    if locks and locks[-1].errno == "EAGAIN" and (_says(run, "EAGAIN") or _says(run, "EADDRINUSE")):
        call = locks[-1]
        sentence = f"{evidence.place(call)} flock(LOCK_NB) does not wait for the lock, and {answer(evidence, run)}"
        yield Finding(call.index, (), sentence, (call,), "flock(2)")


@explains
def nameless_error(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Python's own error for a path that is too long says so in words alone."""
    run = evidence.run
    raised = run.raised if run else None
    if raised and raised["text"] == "AF_UNIX path too long":
        call = next((c for c in reversed(evidence.during(run)) if c.name in ("bind", "connect", "sendto")), None)
        if call is not None:
            sentence = f"{evidence.place(call)} {call.name}() raises OSError without an errno; expected ENAMETOOLONG"
            yield Finding(call.index, ("long-path",), sentence, (call,))


@explains
def open_mode(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Others may connect from listen() on, or may not (M103)."""
    if failure.kind != "mode" or evidence.run is None:
        return
    calls = evidence.during(evidence.run)
    listen = next((c for c in calls if c.name == "listen"), None)
    if listen is None:
        return
    may = "may" if failure.gap == "open-mode" else "may not"
    modes = [c for c in calls if c.name in ("chmod", "fchmod", "umask")]
    late = next((c for c in modes if c.index > listen.index and c.name != "umask"), None)
    if late is not None:
        how = f"comes after listen() at {evidence.place(listen)}: until then others {may} connect"
        sentence, guilty = f"{evidence.place(late)} {late.name}() {how}", (listen, late)
    else:
        sentence, guilty = f"{evidence.place(listen)} listens while {failure.sentence}", (listen,)
    gaps = (failure.gap,) if failure.gap else ()
    yield Finding(listen.index, gaps, sentence, guilty, "unix(7), Pathname socket ownership")


@explains
def stale_path(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What a dead server has left is in the way (M99)."""
    run = evidence.run
    if run is None or evidence.standing.get(run.path) != "a stale socket":
        return
    calls = evidence.during(run)
    bind = next((c for c in calls if c.name == "bind" and c.errno == "EADDRINUSE" and not c.injected), None)
    if any(_removes(c, run.path) for c in calls) or (run.raised or {}).get("errno") is None:
        return
    asked = next((c for c in calls if c.name == "connect" and c.errno == _DEAD), None)
    call = bind or asked
    if call is not None and _says(run, "EADDRINUSE"):
        how = f"failed with {call.errno}: the server that has made the path has ended"
        sentence = f"{evidence.place(call)} {call.name}() {how}"
        yield Finding(call.index, ("stale-path",), sentence, (call,), "unix(7), Pathname sockets")


@explains
def taken_path(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A path is removed that is another's (T18)."""
    for run in evidence.runs:
        calls = evidence.during(run)
        listen = next((c for c in calls if c.name == "listen" and c.done and not c.failed), None)
        for removal in (c for c in calls if _removes(c, run.path)):
            what = evidence.standing.get(run.path, "")
            asked = [c for c in calls if c.name == "connect" and c.index < removal.index]
            answer = asked[-1] if asked else None
            where = f"{evidence.place(removal)} {removal.name}()"
            refused = _refused_before(calls, removal)
            if what and refused is not None:
                gap, how = "robbed-server", f"removes {what} that is somebody else's: bind() has failed with EADDRINUSE"
                yield Finding(removal.index, (gap,), f"{where} {how}", (removal, refused), "bind(2), EADDRINUSE")
                continue
            if what == "a socket" and listen is not None and listen.index < removal.index:
                gap, how = "robbed-successor", "removes a path that another server has taken meanwhile"
            elif what not in ("a socket", "a stale socket", ""):
                gap, how = "not-a-socket", f"removes {what}"
            elif answer is not None and answer.errno != _DEAD:
                told = answer.errno or "success"
                gap, how = (
                    "robbed-server",
                    f"removes the path although connect() at {evidence.place(answer)} has ended with {told}",
                )
            elif what == "a socket":
                gap, how = (
                    "robbed-server",
                    "removes the path of a server that is alive; nothing has asked whether it is",
                )
            elif what == "a stale socket" and not run.endless:
                gap, how = "robbed-server", "removes the path of a dead server, which is taken all the same"
            else:
                continue
            yield Finding(removal.index, (gap,), f"{where} {how}", tuple(filter(None, (removal, answer))), "unlink(2)")


@explains
def error_of_the_question(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """What connect() has said of a live server is handed on as it is."""
    run = evidence.run
    if run is None or "EADDRINUSE" not in failure.errors or run.raised is None:
        return
    for call in _calls(evidence, run, "connect"):
        if call.errno in ("EPROTOTYPE", "EAGAIN") and _says(run, call.errno):
            who = "of another type" if call.errno == "EPROTOTYPE" else "whose backlog is full"
            sentence = (
                f"{evidence.place(call)} connect() failed with {call.errno}: somebody has the path, with a socket {who}"
            )
            yield Finding(
                call.index,
                ("wrong-type",) if call.errno == "EPROTOTYPE" else (),
                sentence,
                (call,),
                "connect(2), ERRORS",
            )


@explains
def patient_question(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """connect() waits for room in the backlog of a live server."""
    if failure.verdict is not Verdict.HANG:
        return
    for call in evidence.calls:
        if call.name == "connect" and not call.done and call.address is None and not _was_tried(evidence, call):
            sentence = (
                f"{evidence.place(call)} connect() waits until a server that is alive and busy has room in its backlog"
            )
            yield Finding(call.index, ("probe-blocks",), sentence, (call,), "connect(2), EAGAIN")


@explains
def unlocked(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Another server may ask while this one is about to listen."""
    run = evidence.run
    if run is None or failure.gap != "unlisted-server":
        return
    calls = evidence.during(run)
    lock = next((c for c in calls if c.name == "flock" and not c.failed), None)
    begun = next((c for c in calls if c.name in ("connect", "unlink", "bind") and (c.path or c.paths[0])), None)
    listen = next((c for c in calls if c.name == "listen"), None)
    if lock is None:
        if begun is not None:
            sentence = (
                f"{evidence.place(begun)} {begun.name}(): no lock on the directory keeps another server from asking now"
            )
            yield Finding(begun.index, ("unlisted-server",), sentence, (begun,), "flock(2)")
        return
    release = next((c for c in calls if c.index > lock.index and c.fd == lock.fd and _lets_go(c)), None)
    opened = next(
        (c for c in calls if c.name == "open" and c.done and c.result == lock.fd and c.index < lock.index), None
    )
    if lock.arg("operation") & fcntl.LOCK_SH:
        guilty, how = lock, "flock(LOCK_SH): any number of servers may have this lock at the same time"
    elif opened is not None and opened.paths[0].rstrip("/.") != os.path.dirname(run.path).rstrip("/."):
        guilty, how = (
            lock,
            f"flock() locks what open() at {evidence.place(opened)} has opened, and that is not the directory",
        )
    elif begun is not None and begun.index < lock.index:
        guilty, how = begun, f"{begun.name}() comes before the lock of flock() at {evidence.place(lock)}"
    elif release is not None and (listen is None or release.index < listen.index):
        guilty, how = (
            release,
            f"{release.name}() lets the lock go before listen()" + (f" at {evidence.place(listen)}" if listen else ""),
        )
    else:
        return
    yield Finding(guilty.index, ("unlisted-server",), f"{evidence.place(guilty)} {how}", (guilty, lock), "flock(2)")


def _was_tried(evidence: Evidence, connect: Call) -> bool:
    """Whether the same socket has made that call before: it is tried again and again."""
    life = evidence.life(connect)
    return life is not None and any(c.name == "connect" and c.done for c in life.calls)


def _calls(evidence: Evidence, run: Run, name: str) -> list[Call]:
    """The calls of that name on a Unix path."""
    return [c for c in evidence.during(run) if c.name == name and c.path]


def _refused_before(calls: list[Call], removal: Call) -> Call | None:
    """A bind() that has found a path taken, with no other one to come, and the path is removed all the same."""
    binds = [c for c in calls if c.name == "bind" and c.path]
    is_last = bool(binds) and binds[-1].index < removal.index and binds[-1].errno == "EADDRINUSE"
    return binds[-1] if is_last and removal.name == "unlink" else None


def _removes(call: Call, path: str) -> bool:
    """Whether a call has removed what was at a path, or put something else there."""
    if call.name not in ("unlink", "rename") or not call.done or call.failed:
        return False
    return os.path.basename(call.paths[-1]) == os.path.basename(path)


def _lets_go(call: Call) -> bool:
    return call.name == "close" or (call.name == "flock" and bool(call.arg("operation") & fcntl.LOCK_UN))


def _says(run: Run, name: str) -> bool:
    """Whether a function has failed with that error."""
    return run.raised is not None and run.raised["errno"] == getattr(errno, name)
