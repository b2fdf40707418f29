"""Words for programs that have ended."""

from __future__ import annotations

import os
import re
import signal

from grader.learner.kit import CHANNEL_LOST
from grader.stage import sanitizers
from grader.stage.on_stage import OnStage
from grader.trace.reader import Call
from grader.verdict.evidence import Failure
from grader.verdict.model import Verdict

#: Exit status of a process that a sanitizer has ended.
_SANITIZER = 86
_PYTHON_FRAME = re.compile(r'File "(?P<path>[^"]+)", line (?P<line>\d+)')


def of_process(scene: OnStage) -> Failure:
    """A process that ended before it had answered."""
    exit = scene.process.end()
    scene.process.trace.update()
    output = b"".join(scene.process.output()).decode(errors="replace")
    report = scene.process.trace.report
    when = f"while {scene.runs[-1].function}() ran" if scene.runs else "while it was loaded"
    kind, line = "died", None
    if exit.status is None and exit.signal is None:
        sentence = "the program has ended the process that started it"
    elif len(output) >= 1 << 16 and exit.signal in (signal.SIGXFSZ, None):
        sentence = "the program wrote more than 1 MiB of output and was stopped"
    elif report:
        kind, (sentence, line) = "memory", sanitizers.of_address(scene, report)
    elif exit.signal is not None:
        return _of_signal(scene, signal.Signals(exit.signal), when)
    elif exit.status == _SANITIZER and (found := sanitizers.undefined_behaviour(output)):
        kind, (sentence, line) = "memory", found
    elif exit.status == CHANNEL_LOST:
        sentence = "the program closed descriptors that are not its own"
    else:
        ended = next((c for c in reversed(scene.process.trace.calls) if c.name == "exit"), None)
        if ended is not None:
            scene.look_up([ended])
            line = ended.line
        sentence = f"the program ended its process, with exit status {exit.status}, {when}"
    # It was given a null pointer and has used one, where the contract has it refused.
    used = scene.runs and scene.runs[-1].null and "null pointer" in sentence.lower()
    return Failure(kind, sentence, Verdict.CRASH, line, gap="unchecked-argument" if used else "")


def of_child(scene: OnStage) -> Failure | None:
    """A process that the program has forked and that a sanitizer has ended, if
    there is one."""
    report = scene.process.trace.report
    if report:
        sentence, line = sanitizers.of_address(scene, report)
    elif found := sanitizers.undefined_behaviour(b"".join(scene.process.output()).decode(errors="replace")):
        sentence, line = found
    else:
        return None
    return Failure("memory", f"in a child process: {sentence}", Verdict.CRASH, line)


def _of_signal(scene: OnStage, number: signal.Signals, when: str) -> Failure:
    last = _last_call(scene)
    if number == signal.SIGPIPE and last is not None:
        scene.look_up([last])
        sentence = f"SIGPIPE ended the program: {last.name}() on a broken connection, without MSG_NOSIGNAL"
        return Failure("died", sentence, Verdict.CRASH, last.line, read="send(2), MSG_NOSIGNAL")
    sentence = f"{number.name} ended the program {when}"
    if number == signal.SIGTERM and scene.arranged.signalled >= 0:
        sentence = f"SIGTERM found no handler of the program's and ended it {when}"
        had_handler = [had for name, had in scene.arranged.handled if name == number.name]
        if any(had_handler) and not had_handler[-1]:
            sentence = f"the handler took the first SIGTERM alone: the next one found none and ended the program {when}"
        if scene.arranged.pending == number:
            sentence = "SIGTERM had been blocked and never taken, and ended the program as soon as it was unblocked"
    return Failure("died", sentence, Verdict.CRASH, noted_line(scene), read="signal(7)")


def _line_in(scene: OnStage, frame: re.Pattern, text: str) -> int | None:
    name = scene.source.name
    for found in frame.finditer(text):
        if os.path.basename(found["path"]) == name:
            return int(found["line"])
    return None


def noted_line(scene: OnStage) -> int | None:
    """Where the processor was when a signal was noted."""
    if scene.unit.language == "python":
        last = scene.process.dump().rpartition("(most recent call first)")[2]
        return _line_in(scene, _PYTHON_FRAME, last)
    frames = scene.process.trace.noted_frames
    found = scene.lines(set(frames)) if frames else {}
    return next((found[frame] for frame in frames if frame in found), None)


def _last_call(scene: OnStage) -> Call | None:
    trace = scene.process.trace
    own = [[c for c in calls if c.pid == scene.process.own_pid] for calls in (trace.unfinished, trace.calls)]
    calls = own[0] or own[1]
    return calls[-1] if calls else None


def of_fork_bomb(scene: OnStage) -> Failure:
    """A program that forks without end."""
    trace = scene.process.trace
    last = next((c for c in reversed(trace.calls) if c.name == "fork"), None)
    if last is not None:
        scene.look_up([last])
    return Failure(
        "forks",
        f"the program forks without end: {trace['fork_limit']} processes, and it goes on",
        Verdict.CRASH,
        last.line if last else None,
        read="fork(2)",
    )
