"""The torture sweep: every call of a program is made to fail once, in each way
that is possible there (`grader.trial.possible`).

The script of a good day is played once to see which calls the program makes,
then once more for each failure of each of them, every time in a process of its
own.  A program may recover or report an error.  It may not die, hang, leave
something behind, or report success where the script shows that there was none.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from threading import Event

from grader.catalogue.unit import Unit
from grader.stage.broken import Broken
from grader.stage.left_behind import judge_end, judge_state, printed
from grader.stage.scene import Scene
from grader.stage.stage import Stage
from grader.trace import layout
from grader.trace.faults import Fault
from grader.trace.reader import Call
from grader.trial.performance import explain, fault, perform, play, violation
from grader.trial.possible import FAILURES, failures_of
from grader.verbs.cast import Cast
from grader.verdict.evidence import Failure, Run
from grader.verdict.model import Diagnosis, Verdict
from grader.verdict.words import counted

#: What getaddrinfo() returns when it fails: gai codes, as numbers (netdb.h).
_EAI = {"EAI_AGAIN": -3, "EAI_FAIL": -4, "EAI_MEMORY": -10, "EAI_NONAME": -2}
#: Of the calls that one line makes in the turns of a loop, so many fail: the
#: second one in one way, and by an interruption.
_ALIKE = 2
#: What no Python program meets: EINTR (PEP 475), and ETIMEDOUT, for TimeoutError is
#: a socket's own limit.
_SPARED_IN_PYTHON = ("EINTR", "ETIMEDOUT")
#: Errors that a program may raise besides OSError, as the contracts have them.
_REPORTS = ("OSError", "EOFError", "ValueError")

#: Calls that fail where they look at what the kernel lists of processes: a directory of
#: its own a program only looks at to remove it, which nothing may keep it from.
_LISTS, _OF_PROCESSES = ("opendir", "readlink"), "/proc"

#: A verdict, and why it is not a pass.
Result = tuple[Verdict, Diagnosis | None]


def is_torture(script: Callable) -> bool:
    """Whether a check is a good day's script to be played under torture."""
    return getattr(script, "torture", False)


def sweep(script: Callable, stage: Stage, unit: Unit) -> tuple[Verdict, Diagnosis | None, int]:
    """Play a script once as it is, then once for each failure of each call.

    Args:
        script: the check.

    Returns:
        The first verdict that is not a pass, and how often the script was played.
    """
    cast = Cast(stage, unit)
    cast.scene.arranged.tells_states = True
    try:
        verdict, diagnosis = perform(partial(cast.call, script), cast)
        calls = cast.scene.process.trace.calls if cast.scene.process else []
        runs = cast.scene.runs
    finally:
        cast.close()
    if verdict is not Verdict.PASS:
        return verdict, diagnosis, 1
    played = 1
    faults = list(_failures(calls, runs, unit.language))
    for verdict, diagnosis in _played_at_once(stage, faults, lambda at, fault: _tampered(script, at, unit, fault)):
        played += 1
        if verdict is not Verdict.PASS:
            return verdict, diagnosis, played
    return Verdict.PASS, None, played


def _played_at_once(stage: Stage, faults: list[Fault], play: Callable[[Stage, Fault], Result]) -> Iterator[Result]:
    """What comes of each fault, in their order; several are played at a time."""
    if len(stage.places) == 1:
        yield from (play(stage, fault) for fault in faults)
        return
    free: SimpleQueue[Stage] = SimpleQueue()
    for place in stage.places:
        free.put(place)
    is_over = Event()

    def take_a_place(fault: Fault) -> Result | None:
        if is_over.is_set():
            return None
        place = free.get()
        try:
            return play(place, fault)
        finally:
            free.put(place)

    with ThreadPoolExecutor(len(stage.places)) as pool:
        try:
            yield from pool.map(take_a_place, faults)
        finally:  # the rest is of no interest
            is_over.set()


def _tampered(script: Callable, stage: Stage, unit: Unit, fault: Fault) -> Result:
    """Play the script with a fault."""
    cast = Cast(stage, unit)
    cast.scene.arranged.faults.append(fault)
    try:
        return _judged(script, cast)
    finally:
        cast.close()


def _failures(calls: list[Call], runs: list[Run], language: str) -> Iterator[Fault]:
    """A fault for each call that was made and each way in which it can fail.

    A call is named as the tracer finds it again: by how many of that name came
    before it in the states that the failure asks for.
    """
    made: Counter[tuple[str, int]] = Counter()
    from_here: Counter[tuple[str, int]] = Counter()
    for call in calls:
        if not any(run.first <= call.index and (run.last is None or call.index < run.last) for run in runs):
            continue
        if call.states & layout.STATE_BIT["library"]:
            continue
        if call.name in _LISTS and not call.paths[0].startswith(_OF_PROCESSES):
            continue
        possible = list(failures_of(call.name, call.states))
        asked = {failure.states: failure.bits for failure in FAILURES if call.any_of(failure.call)}
        for bits in {0, *asked.values()}:
            made[call.name, bits] += not bits & ~call.states
        from_here[call.name, call.where] += 1
        if from_here[call.name, call.where] > _ALIKE or _is_in_a_handler(call, calls):
            continue  # a handler has nobody to report to
        nth = str(made[call.name, 0])
        if call.name == "getaddrinfo":
            for code in _EAI.values():
                yield Fault(call.name, retval=code, when=nth)
        if from_here[call.name, call.where] > 1:  # one more turn of a loop
            possible = [failure for failure in possible if failure is possible[0] or failure.error == "EINTR"]
        for failure in possible:
            if language == "c" or failure.error not in _SPARED_IN_PYTHON:
                when = f"{failure.states} {made[call.name, failure.bits]}".strip()
                yield Fault(call.name, error=failure.error, when=when)
        moves = call.any_of("send") or call.any_of("recv")
        if moves and call.result > 1 and call.name != "sendall" and not _was_seen(call, calls):
            yield Fault(call.name, limit=1, when=nth)


def _was_seen(call: Call, calls: list[Call]) -> bool:
    """Whether the call before it on the same descriptor has looked at what it
    takes (MSG_PEEK), and so may count on it."""
    before = [c for c in calls if c.fd == call.fd and c.index < call.index]
    return bool(before) and before[-1].any_of("recv") and before[-1].only_looks


def _is_in_a_handler(call: Call, calls: list[Call]) -> bool:
    """Whether a signal handler made a call: while another one of its thread lasted."""
    return any(c.tid == call.tid and c.entered < call.entered < c.left for c in calls)


def _judged(script: Callable, cast: Cast) -> Result:
    """Play the script with a fault: a reported error is as good as a success."""
    try:
        failure = play(partial(cast.call, script), cast)
        reported = any(_reported(run, cast.scene.arranged.faults[-1]) for run in cast.scene.runs)
        if failure is not None and failure.verdict is Verdict.FAIL and reported:
            failure = _left_behind(cast.scene)
        if failure is None:
            return Verdict.PASS, None
        return failure.verdict, _because(explain(failure, cast.scene), cast.scene)
    except Exception as exception:
        return fault(exception, cast.scene)


def _left_behind(scene: Scene) -> Failure | None:
    """What a function that has reported an error should not have left."""
    for run in scene.runs:
        run.judged = True  # a server too has ended as it may
    try:
        judge_state(scene)
        judge_end(scene)
    except Broken as broken:
        return broken.failure
    return violation(scene) or printed(scene)


def _reported(run: Run, fault: Fault) -> bool:
    """Whether a function has reported an error.

    EINTR is none to report: a call that was interrupted is made again, but for
    close(), which has closed the descriptor all the same.
    """
    raised = run.raised
    if raised is None or (raised["errno"] == errno.EINTR and fault.call != "close"):
        return False
    return any(name in raised["bases"] for name in _REPORTS)


def _because(diagnosis: Diagnosis, scene: Scene) -> Diagnosis:
    """A diagnosis that says which call had failed."""
    call = next((c for c in scene.process.trace.calls if c.injected), None) if scene.process else None
    if call is None:
        return diagnosis
    scene.look_up([call])
    how = f"took {counted(call.result)}" if call.injected & layout.LIMIT else f"failed with {_name(call)}"
    return replace(diagnosis, sentence=f"{diagnosis.sentence} (after {call.name}(){scene.at(call)} {how})")


def _name(call: Call) -> str:
    if call.name == "getaddrinfo":
        return next((name for name, code in _EAI.items() if code == call.result), "an error")
    return call.errno or "an error"
