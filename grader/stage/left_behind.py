"""The common rules of every contract: what a function must leave as it was."""

from __future__ import annotations

import os
import signal
from collections import Counter

from grader.processes.state import State
from grader.stage import death, holdings, quiet
from grader.stage.broken import Broken
from grader.stage.paths import judge_paths
from grader.stage.scene import Scene
from grader.stage.settings import judge_settings
from grader.verdict.evidence import Failure

#: Signals 32 and 33, which the C library handles for itself once there are
#: threads (nptl(7)); bit n - 1 stands for signal n.
_LIBRARY_SIGNALS = 0b11 << 31

#: Field of proc(5) -> what it says of a signal when it has been added, and when it
#: is gone.
_SIGNAL_WORDS = {
    "SigBlk": ("is still blocked", "is no longer blocked"),
    "SigIgn": ("is still ignored", "is no longer ignored"),
    "SigCgt": ("still has a handler of the program's own", "no longer has the caller's handler"),
}


def judge_state(scene: Scene) -> None:
    """Compare what the kernel says before and after the function.

    Raises:
        Broken: a descriptor, thread or handler was left behind, or something
            that was lent was closed or changed.
    """
    before, after = scene.world.before, scene.world.after
    if before is None or after is None:
        return
    lent, limited, given = scene.world.lent, scene.world.limited, scene.world.given
    held = set(after.descriptors.values())
    if not lent <= held:
        kind = "socket" if all(target.startswith("socket:") for target in lent - held) else "descriptor"
        raise Broken(Failure("lent-closed", f"the program has closed the caller's {kind}"))
    _judge_files(before, after)
    _judge_directions(scene, {number for number, target in after.descriptors.items() if target in lent})
    targets = Counter(after.descriptors.values())
    for target in lent | given.keys():
        if targets[target] > (target in lent) + given[target]:
            kind = "socket" if target.startswith("socket:") else "descriptor"
            what = f"caller's {kind}" if target in lent else f"{kind} that was returned"
            raise Broken(Failure("left-open", f"a duplicate of the {what} is left open"))
    is_server = bool(scene.runs) and scene.runs[-1].endless  # its clients may still have theirs
    has_children = is_server and scene.process.trace["forks"]
    for number, target in after.descriptors.items():
        if target in given or (has_children and target.startswith("pipe:")):
            continue  # that pipe tells the end of a child which still serves
        if target in lent:
            if after.flags[number] & os.O_NONBLOCK and target not in limited:
                raise Broken(Failure("lent-changed", "the caller's socket is left non-blocking"))
        elif number not in before.descriptors:
            what = "socket" if target.startswith("socket:") else "descriptor"
            raise Broken(Failure("left-open", f"a {what} is still open when {scene.runs[-1].function}() has returned"))
    if after.threads > before.threads and not is_server:
        raise Broken(Failure("left-thread", f"a thread is still running when {scene.runs[-1].function}() has returned"))
    judge_paths(scene)
    judge_settings(scene)
    if scene.exercise.keeps_signals:
        _judge_signals(before, after, scene.runs[-1].function)


def _judge_files(before: State, after: State) -> None:
    """Compare the descriptors that were open before."""
    for number, flags in before.flags.items():
        if number not in after.flags:
            raise Broken(Failure("lent-closed", f"the program has closed descriptor {number}, which is its caller's"))
        if flags != after.flags[number]:
            raise Broken(Failure("lent-changed", f"the program has changed the flags of descriptor {number}"))


def _judge_signals(before: State, after: State, function: str) -> None:
    """Compare the mask, the ignored signals and those that have a handler."""
    for name, words in _SIGNAL_WORDS.items():
        changed = (before.signals[name] ^ after.signals[name]) & ~_LIBRARY_SIGNALS
        if changed:
            number = (changed & -changed).bit_length()
            how = words[not after.signals[name] >> (number - 1) & 1]
            sentence = f"{signal.Signals(number).name} {how} when {function}() has returned"
            read = "sigprocmask(2)" if name == "SigBlk" else "sigaction(2)"
            raise Broken(Failure("left-signals", sentence, read=read))


def _judge_directions(scene: Scene, lent: set[int]) -> None:
    """Whether both directions of what was lent are still in use.

    Args:
        lent: the numbers of its descriptors.
    """
    for call in scene.process.trace.calls:
        if call.name == "shutdown" and call.fd in lent and call.done and not call.failed:
            scene.look_up([call])
            words = "the socket that was lent has been shut down; its directions belong to the caller"
            raise Broken(Failure("lent-changed", words, line=call.line, read="shutdown(2)"))


def judge_serving(scene: Scene) -> None:
    """What a server that goes on for ever must be like when its clients have
    done what they wanted.

    Raises:
        Broken: it has stopped, never comes to rest, or keeps a connection whose
            client is gone.
    """
    scene.release()
    scene.wait(quiet.Rest(scene), "the program rests")
    judge_children(scene)
    scene.world.deserted = holdings.deserted(scene)
    if scene.world.deserted:
        scene.world.after = scene.process.state()
        raise Broken(Failure("left-open", "a connected socket is still open, although its client is gone"))


def judge_children(scene: Scene) -> None:
    """How the processes that a server has forked have ended.

    Raises:
        Broken: one has destroyed its memory, or came back from the function.
    """
    trace, function = scene.process.trace, scene.runs[-1].function
    if (died := death.of_child(scene)) is not None:
        raise Broken(died)
    if trace["strays"]:
        sentence = f"{function}() returns in a child process, too: now there are two callers"
        raise Broken(Failure("stray", sentence, read="_exit(2)"))


def judge_end(scene: Scene) -> None:
    """What can be seen only when the process has ended.

    Raises:
        Broken: it left processes behind, zombies included.
    """
    process = scene.process
    if process is None:
        return
    if scene.runs and scene.runs[-1].endless:
        if scene.run is not None:
            judge_serving(scene)
            scene.stop()
        elif scene.runs[-1].has_stopped and not scene.runs[-1].judged:
            scene.has_stopped()
    scene.conclude()


def printed(scene: Scene) -> Failure | None:
    """What the program has printed, which it may not; told when nothing else is
    wrong, for who repairs a program may have it print what it does."""
    text = b"".join(scene.process.output()).decode(errors="replace") if scene.process else ""
    if not text:
        return None
    return Failure(
        "printed", f"the program printed {text.splitlines()[0][:60]!r}; a function of a contract prints nothing"
    )
