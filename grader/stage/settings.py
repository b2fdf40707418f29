"""The caller's settings, which a function must leave as it found them."""

from __future__ import annotations

from grader.stage.broken import Broken
from grader.stage.on_stage import OnStage
from grader.verdict.evidence import Failure


def judge_settings(scene: OnStage) -> None:
    """Compare the caller's settings before and after the function, so far as
    the kernel does not tell them of a process (`grader.stage.left_behind`).

    Raises:
        Broken: one is not as it was found.
    """
    run = scene.runs[-1]
    found, left = (run.outcome.get(moment) for moment in ("found", "left"))
    if not found or not left:
        return  # its process has ended
    for what, (words, read) in _WORDS.items():
        if found[what] != left[what]:
            raise Broken(Failure("left-world", f"{run.function}() {words}", read=read))
    for before, after in zip(found["sockets"], left["sockets"], strict=True):
        changed = next((name for name, value in before.items() if after.get(name, value) != value), None)
        if changed:
            sentence = f"{run.function}() leaves the caller's socket with {_OPTIONS[changed]}"
            raise Broken(Failure("lent-changed", sentence, read="socket(7), Socket options"))
    for before, after in zip(found["inherited"], left["inherited"], strict=True):
        if after and not before:
            sentence = f"{run.function}() takes close-on-exec from the caller's descriptor: programs inherit it"
            raise Broken(Failure("lent-changed", sentence, read="fcntl(2), F_SETFD"))
    if not scene.exercise.keeps_signals:
        return
    for name, action in left["handlers"].items():
        if action != found["handlers"][name]:
            sentence = _handler_words(name, action[1], f"when {run.function}() has returned")
            raise Broken(Failure("left-signals", sentence, read="sigaction(2)"))
    for name, times in left["called"].items():
        if name != _FOR_THE_CALLER and times != found["called"].get(name, 0):
            sentence = f"the caller's handler of {name} is called for a signal that came while {run.function}() ran"
            raise Broken(Failure("left-signals", sentence, read="sigaction(2)"))


#: A signal that scripts send to the caller, whose handler is to be called.
_FOR_THE_CALLER = "SIGUSR1"
#: What a function has done to a setting, and the page about it.
_WORDS = {
    "umask": ("has changed the umask, and does not put it back", "umask(2)"),
    "directory": ("has changed the working directory, and does not put it back", "chdir(2)"),
    "child": ("has waited for a child of its caller's, which cannot learn any more how it ended", "waitpid(2)"),
    "timeout": ("leaves the time limit of socket.setdefaulttimeout() in effect", ""),
    "wakeup": ("does not undo signal.set_wakeup_fd(): Python goes on writing to that descriptor", ""),
}
#: What was changed of a socket.
_OPTIONS = {
    "SO_RCVTIMEO": "another time limit for receiving (SO_RCVTIMEO)",
    "SO_SNDTIMEO": "another time limit for sending (SO_SNDTIMEO)",
    "SO_RCVLOWAT": "another low-water mark (SO_RCVLOWAT)",
    "SO_LINGER": "another SO_LINGER",
    "settimeout": "another time limit than it had (settimeout())",
}
_DEFAULT, _IGNORE = 0, 1


def _handler_words(name: str, address: int, when: str) -> str:
    if address == _DEFAULT:
        return f"{name} has its default action, and not the caller's handler, {when}"
    if address == _IGNORE:
        return f"{name} is ignored {when}"
    return f"{name} still has a handler of the program's own {when}"
