"""A process for each client: what fork() copies, and who has to wait for whom."""

from __future__ import annotations

import os
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure
from grader.verdict.rule import Finding, ended, explains


def _forks(evidence: Evidence) -> list[Call]:
    """The forks of the process that the function was called in."""
    return [c for c in evidence.calls if c.name == "fork" and c.done and c.pid == evidence.pid]


def _served(evidence: Evidence) -> Iterator[tuple[Descriptor, Call]]:
    """Accepted connections, each with the fork() that followed."""
    forks = _forks(evidence)
    for life in evidence.descriptors:
        if life.was_accepted:
            fork = next((c for c in forks if c.index > life.made.index), None)
            later = next((c for c in evidence.descriptors if c.made and c.made.index > life.made.index), None)
            if fork is not None and (later is None or fork.index < later.made.index):
                yield life, fork


@explains
def parent_keeps(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The parent goes back to accept() with the connection still open (M74)."""
    for life, fork in _served(evidence):
        closed = life.closed if life.closed and life.closed.name == "close" else None
        again = next((c for c in evidence.calls if c.index > fork.index and c.any_of("accept")), None)
        if again is None or again.pid != evidence.pid or (closed and closed.index < again.index):
            continue
        if any(c.index > fork.index and (c.any_of("send") or c.any_of("recv")) for c in life.calls):
            continue  # it serves the client itself
        name, where = evidence.name_of(life), evidence.place(fork)
        if fork.failed:
            yield Finding(
                again.index - 0.5, ("fork-failure", "parent-keeps-connection"),
                f"{where} fork() failed with {fork.errno}, and {name} stays open, with nobody to serve it",
                (fork, life.made), "fork(2), ERRORS",
            )  # fmt: skip
        else:
            yield Finding(
                again.index - 0.5, ("parent-keeps-connection",),
                f"{where} after fork() the parent goes back to {again.name}() with {name} open: the client sees no end "
                "before the last process has closed it",
                (fork, life.made), "close(2)",
            )  # fmt: skip
        return


@explains
def child_accepts(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A child that has served its client falls back into the parent's loop (M75)."""
    for call in evidence.calls:
        if call.any_of("accept") and call.pid in evidence.children:
            fork = evidence.children[call.pid]
            yield Finding(  # a quarter: before what may be said of the call itself
                call.index - 0.25, ("child-accepts",),
                f"{evidence.place(call)} {call.name}() is called in a child (fork() at {evidence.place(fork)}), which "
                "was to end with its client",
                (call, fork), "_exit(2)",
            )  # fmt: skip
            return


@explains
def child_listens(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A child that holds the listening socket while it serves (M75)."""
    forks = [c for c in _forks(evidence) if not c.failed]
    if failure.kind == "shared-listener" and forks:
        listener = next((life for life in evidence.descriptors if life.is_listening), None)
        name = evidence.name_of(listener) if listener else "the listening socket"
        yield Finding(
            forks[0].index, ("child-keeps-listener",),
            f"{evidence.place(forks[0])} the child of fork() keeps {name} open: the port stays taken "
            "until the last child has ended",
            (forks[0],), "fork(2)",
        )  # fmt: skip


@explains
def child_comes_back(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The error of a connection takes the child out of the function."""
    if failure.kind != "stray":
        return
    for pid, fork in evidence.children.items():
        calls = [c for c in evidence.calls if c.pid == pid and c.name not in ("close", "abandon", "shutdown")]
        last = calls[-1] if calls else None
        if last is not None and last.failed and not last.any_of("accept"):
            yield Finding(
                last.index, ("child-escapes",),
                f"{evidence.place(last)} {last.name}() {ended(evidence, last)} in a child, and the error takes the "
                f"child out of the function, into its caller (fork() at {evidence.place(fork)})",
                (last, fork), "_exit(2)",
            )  # fmt: skip
            return


@explains
def zombies(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A child that has ended and is never waited for (M76)."""
    if failure.kind != "zombie":
        return
    waited = [c for c in evidence.calls if c.name == "waitpid" and c.done and c.pid == evidence.pid]
    reaped = {c.result for c in waited}
    left = [fork for fork in _forks(evidence) if fork.result > 0 and fork.result not in reaped]
    if left:
        words = f"the child of fork() at {evidence.place(left[0])} has ended and stays a zombie"
        if not waited:
            words += ": waitpid() was never called"
        elif reaped & evidence.children.keys():
            words += f": {evidence.place(waited[0])} {waited[0].name}() took 1 child, and more had ended"
        yield Finding(left[0].index, ("zombies",), words, (left[0],), "waitpid(2), NOTES")


@explains
def fork_failed(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A server that ends because one fork() failed (M78)."""
    run = evidence.run
    if run is None or not run.has_stopped:
        return
    tidy = ("close", "abandon", "shutdown", "waitpid")
    calls = [c for c in evidence.during(run) if c.pid == evidence.pid and c.name not in tidy]
    if calls and calls[-1].name == "fork" and calls[-1].failed:
        yield Finding(
            calls[-1].index, ("fork-failure",),
            f"{evidence.place(calls[-1])} fork() failed with {calls[-1].errno}, for this one client, "
            f"and {run.function}() ended",
            (calls[-1],), "fork(2), ERRORS",
        )  # fmt: skip


@explains
def one_at_a_time(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The process that accepts waits for one client, and the others for it."""
    if failure.kind != "hang" or not evidence.queued:
        return
    accepted = {life.number for life in evidence.descriptors if life.was_accepted}
    for call in evidence.calls if accepted else ():
        if call.done or call.pid != evidence.pid:
            continue
        if call.name == "waitpid" and not call.args[1] & os.WNOHANG:
            what = "waits until a child has ended, which is when its client has"
        elif (call.any_of("recv") or call.any_of("send")) and call.fd in accepted and _forks(evidence):
            what = "serves a client in the process that accepts them"
        else:
            continue
        yield Finding(
            call.index, ("one-at-a-time",),
            f"{evidence.place(call)} {call.name}() {what}; the others wait",
            (call,), "waitpid(2)" if call.name == "waitpid" else f"{call.name}(2)",
        )  # fmt: skip
        return


@explains
def shut_for_both(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The parent calls shutdown() on a connection that a child serves: close()
    lets go of one copy, shutdown() ends the connection itself."""
    if failure.kind not in ("bytes", "hang", "reset"):
        return
    for life, fork in _served(evidence):
        shut = next((c for c in life.calls if c.name == "shutdown" and c.done and not c.failed), None)
        if shut is not None and shut.pid == fork.pid and shut.index > fork.index:
            yield Finding(
                shut.index, (),
                f"{evidence.place(shut)} shutdown() in the parent ends the connection for the child of "
                f"{evidence.place(fork)} {fork.name}(), too; the parent only closes its copy",
                (shut, fork), "shutdown(2)",
            )  # fmt: skip
            return
