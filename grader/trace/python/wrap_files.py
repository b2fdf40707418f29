"""Wrappers of the calls that work on files and on descriptors of any kind: the twin
of ``wrap_files.c`` and ``wrap_descriptors.c``."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from collections.abc import Callable
from typing import Any

from grader.trace.python.call import Call
from grader.trace.python.recorded import is_of_library, recorded, recorder

_LOCKS = (fcntl.F_GETLK, fcntl.F_SETLK, fcntl.F_SETLKW, fcntl.F_OFD_GETLK, fcntl.F_OFD_SETLK, fcntl.F_OFD_SETLKW)


def _wrapper(
    operation: str,
    real: Callable,
    args: Callable[..., tuple] = lambda *_, **__: (),
    *,
    paths: int = 1,
    has_fd: bool = False,
    result: Callable | None = None,
    after: Callable[[Call, Any], None] | None = None,
) -> Callable:
    """A wrapper of a function that works on a file.

    Calls that nothing in the program has led to are left alone: the interpreter and
    the kit look at files of their own.

    Args:
        args: what the record holds of the arguments.
        paths: how many of the first ones are paths.
        has_fd: whether the first one is a descriptor.
        result: turns the result into what C would have returned.
        after: completes the record.
    """

    def action(call: Call, given: tuple, named: dict) -> Any:
        found = real(*given, **named)
        if after is not None:
            after(call, found)
        return found

    def wrapper(*given: Any, **named: Any) -> Any:
        if recorder().snapshots.innermost(sys._getframe(1)) is None:
            return real(*given, **named)
        try:
            numbers = _numbers(*args(*given, **named))
        except TypeError:
            return real(*given, **named)  # which says what is wrong with them
        at = given[0] if given and (has_fd or isinstance(given[0], int)) else named.get("dir_fd", -1)
        return recorded(
            operation, _descriptor(at) if has_fd or paths else -1, numbers, lambda call: action(call, given, named),
            result, payload=b"\0".join(map(_path_bytes, given[:paths])), of_library=is_of_library(),
        )  # fmt: skip

    return wrapper


def _path_bytes(path: Any) -> bytes:
    try:
        return os.fsencode(path)
    except (TypeError, UnicodeError):
        return b""  # a descriptor; or the real call says what is wrong with it


def _numbers(*values: Any) -> tuple[int, ...]:
    """Values as a record can hold them."""
    return tuple(value if isinstance(value, int) and abs(value) < 1 << 63 else 0 for value in values)


def _descriptor(fd: Any) -> int:
    """What ``fcntl`` takes for a descriptor, and ``dir_fd``: a number, or what has one."""
    number = fd if isinstance(fd, int) else getattr(fd, "fileno", lambda: -1)()
    return number if isinstance(number, int) and abs(number) < 1 << 31 else -1


def _keep_status(call: Call, status: os.stat_result) -> None:
    call.args = (call.args[0], *_numbers(status.st_mode, status.st_dev, status.st_ino))


def _keep_pair(call: Call, pair: tuple[int, int]) -> None:
    call.payload = struct.pack("=ii", *pair)


def _of_fcntl(_fd: Any, command: int, argument: Any = 0) -> tuple:
    if command in _LOCKS and isinstance(argument, bytes) and len(argument) >= 2:
        return command, struct.unpack_from("=h", argument)[0]  # its type
    return command, argument


def _of_lockf(_fd: Any, command: int, *_: int) -> tuple:
    kind = fcntl.F_RDLCK if command & fcntl.LOCK_SH else fcntl.F_WRLCK
    if command & fcntl.LOCK_UN:
        return fcntl.F_SETLK, fcntl.F_UNLCK
    return fcntl.F_SETLK if command & fcntl.LOCK_NB else fcntl.F_SETLKW, kind


def _as_number(result: Any) -> int:
    return result if isinstance(result, int) else 0


#: Function of ``os`` -> the call that it is, and how it is recorded.
_OF_OS: dict[str, tuple[str, dict[str, Any]]] = {
    "open": ("open", {"args": lambda path, flags, mode=0o777, **_: (flags, mode), "result": int}),
    "mkdir": ("mkdir", {"args": lambda path, mode=0o777, **_: (mode,)}),
    "rmdir": ("rmdir", {}),
    "unlink": ("unlink", {}),
    "remove": ("unlink", {}),
    "rename": ("rename", {"paths": 2}),
    "replace": ("rename", {"paths": 2}),
    "link": ("link", {"paths": 2}),
    "symlink": ("symlink", {"paths": 2}),
    "chmod": ("chmod", {"args": lambda path, mode, **_: (mode,)}),
    "chown": ("chown", {"args": lambda path, user, group, **_: (user, group)}),
    "access": ("access", {"args": lambda path, mode, **_: (mode,), "result": lambda may: 0 if may else -1}),
    "stat": ("stat", {"after": _keep_status}),
    "lstat": ("lstat", {"after": _keep_status}),
    "listdir": ("opendir", {}),
    "scandir": ("opendir", {}),
    "readlink": ("readlink", {"result": len}),
    "umask": ("umask", {"args": lambda mask: (mask,), "paths": 0, "result": int}),
    "pipe": ("pipe", {"paths": 0, "after": _keep_pair}),
    "pipe2": ("pipe", {"args": lambda flags: (flags,), "paths": 0, "after": _keep_pair}),
    "fchmod": ("fchmod", {"args": lambda fd, mode: (mode,), "paths": 0, "has_fd": True}),
    "dup": ("dup", {"paths": 0, "has_fd": True, "result": int}),
    "dup2": (
        "dup2",
        {
            "args": lambda fd, to, inheritable=True: (to, 0 if inheritable else os.O_CLOEXEC),
            "paths": 0,
            "has_fd": True,
            "result": int,
        },
    ),
}
#: The same of ``fcntl``: the call, and what its record holds of the arguments.
_OF_FCNTL = {
    "fcntl": ("fcntl", _of_fcntl),
    "lockf": ("fcntl", _of_lockf),
    "flock": ("flock", lambda _fd, operation: (operation,)),
    "ioctl": ("ioctl", lambda _fd, request, argument=0, *_: (request, argument)),
}


def install() -> None:
    """Let the files of this process be in the trace."""
    for name, (operation, how) in _OF_OS.items():
        setattr(os, name, _wrapper(operation, getattr(os, name), **how))
    for name, (operation, args) in _OF_FCNTL.items():
        real = getattr(fcntl, name)
        setattr(fcntl, name, _wrapper(operation, real, args, paths=0, has_fd=True, result=_as_number))
