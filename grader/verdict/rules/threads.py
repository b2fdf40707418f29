"""A thread for each client: what they share, and what each must have for itself."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from grader.trace.reader import Call
from grader.verdict.evidence import Descriptor, Evidence, Failure
from grader.verdict.rule import Finding, ended, explains

_TIDY = ("close", "abandon", "shutdown")
#: What a program writes that starts threads.
_STARTS = re.compile(r"pthread_create|Thread\(|start_new_thread|ThreadPoolExecutor")


def _has_threads(evidence: Evidence) -> bool:
    return any(call.name == "pthread_create" for call in evidence.calls)


def _users(life: Descriptor) -> set[int]:
    """The threads that receive or send on a connection."""
    return {call.tid for call in life.calls if call.any_of("recv") or call.any_of("send") or call.any_of("wait")}


@explains
def shared_argument(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Two threads serve one client, and none another (M79)."""
    lives = evidence.accepted
    forgotten = next((life for life in lives if not _users(life)), None)
    if forgotten is None or not any(len(_users(life)) > 1 for life in lives):
        return
    create = next(
        (c for c in evidence.calls if c.name == "pthread_create" and c.index > forgotten.made.index and not c.failed),
        None,
    )
    if create is not None:
        yield Finding(
            create.index, ("shared-argument",),
            f"{evidence.place(create)} the thread made for one client looks for its connection too late, and serves "
            "the next client: two threads have one connection, nobody has the other",
            (create, forgotten.made), "pthread_create(3)",
        )  # fmt: skip


@explains
def lost_update(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """Two threads give out the same number."""
    given: dict[bytes, Call] = {}
    for call in evidence.calls:
        if not (call.any_of("send") and call.done and call.result > 0):
            continue
        for number in re.findall(rb"\d+(?=\n)", call.payload[: call.result]):
            first = given.setdefault(number, call)
            together = first.tid != call.tid and call.entered < first.left  # neither waited for the other
            if together and failure.kind == "bytes" and first.result == first.args[0]:
                yield Finding(
                    call.index, ("lost-update",),
                    f"{evidence.place(call)} {call.name}() gives out number {number.decode()} a second time: two "
                    "threads had read the same counter",
                    (call, first), "pthreads(7)",
                )  # fmt: skip
                return


@explains
def never_joined(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A thread that has ended keeps its stack until it is joined."""
    create = next((c for c in evidence.calls if c.name == "pthread_create" and not c.failed), None)
    if failure.kind == "unjoined" and create is not None:
        yield Finding(
            create.index, ("never-joined",),
            f"the thread that {evidence.place(create)} created has ended, and was neither joined nor detached",
            (create,), "pthread_detach(3)",
        )  # fmt: skip


@explains
def dies_loudly(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """An exception leaves a thread, and the interpreter prints it."""
    if failure.kind != "printed" or "Exception" not in failure.sentence or not _has_threads(evidence):
        return
    for life in evidence.accepted:
        calls = [c for c in life.calls if c.name not in _TIDY and not c.any_of("accept")]
        last = calls[-1] if calls else None
        if last is not None and last.failed and last.tid != evidence.pid:
            yield Finding(
                last.index, ("thread-dies-loudly", "dies-of-reset", "dies-of-client"),
                f"{evidence.place(last)} {last.name}() {ended(evidence, last)}, and the exception leaves the thread: "
                "the interpreter prints it",
                (last,), "send(2), ERRORS",
            )  # fmt: skip
            return


@explains
def thread_failed(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A server that ends because one thread could not be had."""
    run = evidence.run
    if run is None or not run.has_stopped:
        return
    calls = [c for c in evidence.during(run) if c.tid == evidence.pid and c.name not in _TIDY]
    if calls and calls[-1].name == "pthread_create" and calls[-1].failed:
        what = "pthread_create()" if evidence.source.language == "c" else "starting a thread"
        yield Finding(
            calls[-1].index, ("thread-failure",),
            f"{evidence.place(calls[-1])} {what} failed with {calls[-1].errno}, for this one client, "
            f"and {run.function}() ended",
            (calls[-1],), "pthread_create(3)",
        )  # fmt: skip


@explains
def kept_without_a_thread(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The connection of a client that got no thread stays open."""
    if failure.kind not in ("hang", "left-open"):
        return
    for life in evidence.accepted:
        create = next((c for c in evidence.calls if c.name == "pthread_create" and c.index > life.made.index), None)
        if create is not None and create.failed and life.closed is None and not _users(life):
            yield Finding(
                create.index, ("thread-failure",),
                f"{evidence.place(create)} no thread could be had ({create.errno}), and {evidence.name_of(life)} stays "
                "open, with nobody to serve it",
                (create, life.made), "pthread_create(3)",
            )  # fmt: skip
            return


@explains
def descriptor_reuse(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A second close() hits the connection that has the number next (M91)."""
    for before, after in itertools.combinations(evidence.accepted, 2):
        first, second = before.closed, after.closed
        if before.number != after.number or first is None or second is None or first.tid != second.tid:
            continue
        if second.tid != after.made.tid and second.tid not in _users(after) and _users(after):
            yield Finding(
                second.index, ("descriptor-reuse",),
                f"{evidence.place(second)} closes descriptor {after.number} a second time; {evidence.place(first)} had "
                f"closed it, and accept() at {evidence.place(after.made)} has given the number to another client since",
                (second, first), "close(2), NOTES",
            )  # fmt: skip
            return


@explains
def thread_keeps(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A thread that has ended without closing its connection."""
    if failure.kind not in ("hang", "left-open") or not _has_threads(evidence):
        return
    busy = {call.tid for call in evidence.calls if not call.done}
    for life in evidence.accepted:
        over = next((c for c in life.calls if c.any_of("recv") and c.done and c.result == 0 and c.args[0] > 0), None)
        if over is not None and life.closed is None and over.tid not in busy and over.tid != evidence.pid:
            yield Finding(
                over.index + 0.5, ("fd-leak",),
                f"the thread that serves the connection {evidence.name_of(life)} of {evidence.place(life.made)} ends "
                "at end-of-file and leaves it open: descriptors belong to the process",
                (life.made, over), "close(2)",
            )  # fmt: skip
            return


@explains
def serves_where_it_accepts(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """The thread that accepts talks with a client itself, in a program that knows others."""
    accepting = {call.tid for call in evidence.calls if call.any_of("accept")}
    if failure.kind != "hang" or not _STARTS.search(evidence.source.text) or len(accepting) > 1:
        return  # of several that accept, each serves its own
    for life in evidence.accepted:
        blocked = next((c for c in life.calls if not c.done and (c.any_of("recv") or c.any_of("send"))), None)
        if blocked is not None and blocked.tid == life.made.tid:
            yield Finding(
                blocked.index, (),
                f"{evidence.place(blocked)} {blocked.name}() serves a client in the thread that accepts them "
                f"({life.made.name}() at {evidence.place(life.made)}); the others wait",
                (blocked, life.made), "pthread_create(3)",
            )  # fmt: skip
            return
