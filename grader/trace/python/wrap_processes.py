"""Wrappers of the calls that begin processes, end them and wait for them: the twin of
``wrap_processes.c``."""

from __future__ import annotations

import _posixsubprocess
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from grader.trace.python.recorded import done, enter, is_of_library, recorded, recorder
from grader.trace.python.recorder import error_of

_real_fork, _real_exit, _real_kill, _real_pause = os.fork, os._exit, os.kill, signal.pause
_real_execv, _real_execve = os.execv, os.execve
_real_posix_spawn, _real_posix_spawnp = os.posix_spawn, os.posix_spawnp
_real_fork_exec = _posixsubprocess.fork_exec


def _count_child() -> None:
    """A program that forks without end stands still at the script's limit, where the
    judge finds it: its processes would otherwise fill the machine."""
    while recorder().add("forks") > recorder().field("fork_limit"):
        _real_pause()


def _fork() -> int:
    call = enter("fork", -1)
    try:
        call.answer()
        _count_child()
        pid = _real_fork()
    except OSError as exception:
        done(call, -1, error_of(exception))
        raise
    if pid:
        done(call, pid)
    return pid


def _exit(status: int) -> None:
    enter("exit", -1, int(status))
    _real_exit(status)


def _kill(pid: int, number: int) -> None:
    recorded("kill", -1, (int(pid), int(number)), lambda call: _real_kill(pid, number))


def _program(file: Any, arguments: Any) -> bytes:
    """A program with its arguments, as a record keeps them."""
    try:
        return b"\0".join(map(os.fsencode, (file, *arguments)))
    except TypeError:
        return b""  # the real call says what is wrong with them


def _execv(path: Any, argv: Any) -> None:
    recorded("execve", -1, (), lambda call: _real_execv(path, argv), payload=_program(path, argv))


def _execve(path: Any, argv: Any, env: Any) -> None:
    recorded("execve", -1, (), lambda call: _real_execve(path, argv, env), payload=_program(path, argv))


def _spawned(file: Any, argv: Any, real: Any, *args: Any, **named: Any) -> int:
    def action(call: Any) -> int:
        _count_child()
        return real(*args, **named)

    return recorded("posix_spawn", -1, (), action, int, payload=_program(file, argv))


def _posix_spawn(path: Any, argv: Any, *rest: Any, **named: Any) -> int:
    return _spawned(path, argv, _real_posix_spawn, path, argv, *rest, **named)


def _posix_spawnp(path: Any, argv: Any, *rest: Any, **named: Any) -> int:
    return _spawned(path, argv, _real_posix_spawnp, path, argv, *rest, **named)


def _fork_exec(args: Any, executables: Any, *rest: Any) -> int:
    """What ``subprocess`` begins a program by."""
    return _spawned(executables[0], args, _real_fork_exec, args, executables, *rest)


def _waits(real: Callable, asked: Callable[..., tuple], result: Callable | None = None) -> Callable:
    """A wrapper of a call that waits for a child.

    Args:
        asked: the process and the options, from the arguments.
        result: turns the result into what C would have returned.
    """

    def wait(*args: Any, **named: Any) -> Any:
        numbers = asked(*args, *named.values())
        return recorded(
            "waitpid", -1, numbers, lambda call: real(*args, **named), result, of_library=is_of_library()
        )  # fmt: skip

    return wait


def _first(result: tuple) -> int:
    return result[0]


def install() -> None:
    """Let the processes of this process be in the trace."""
    os.fork, os._exit, os.kill = _fork, _exit, _kill
    os.execv, os.execve = _execv, _execve
    os.posix_spawn, os.posix_spawnp = _posix_spawn, _posix_spawnp
    os.wait = _waits(os.wait, lambda: (-1, 0), _first)
    os.waitpid = _waits(os.waitpid, lambda pid, options: (pid, options), _first)
    os.waitid = _waits(os.waitid, lambda kind, pid, options: (-1 if kind == os.P_ALL else pid, options))
    os.wait3 = _waits(os.wait3, lambda options: (-1, options), _first)
    os.wait4 = _waits(os.wait4, lambda pid, options: (pid, options), _first)
    _posixsubprocess.fork_exec = _fork_exec
    if "subprocess" in sys.modules:  # else it takes ours when it is imported
        sys.modules["subprocess"]._fork_exec = _fork_exec
