"""What surrounds a call of the program's function: its caller's own settings.

The learner's process is the caller.  It may arrange more than a fresh process
has (a handler of its own, a blocked signal, a umask), and it says what it finds
before each call and after it; the judge compares.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket

# The C base class: TracedSocket would write the judge's questions into the trace.
from _socket import socket as plain_socket
from collections import Counter
from typing import Any

from grader.learner.kit import KIT_DESCRIPTORS

# the trace does not see what the judge asks and arranges
_fcntl, _fork, _exit, _waitid = fcntl.fcntl, os.fork, os._exit, os.waitid

#: The signals whose handlers are compared.
_HANDLED = ("SIGHUP", "SIGINT", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGCHLD")
#: How many files the caller opens: the program's second descriptor is not 3 then.
#: Every second one is inherited by programs that are executed.
_FILES = 4
#: One more, which programs inherit, has the highest number that a caller may have.
_HIGHEST = KIT_DESCRIPTORS - 1
#: Exit code of the caller's own child.
_CODE = 41
#: Room for a struct sigaction, which begins with the handler's address.
_ACTION = 256
#: Room for the value of a socket option (bytes).
_OPTION = 16
#: What decides how long the calls of a socket wait, and what its end is like.
_OPTIONS = ("SO_RCVTIMEO", "SO_SNDTIMEO", "SO_RCVLOWAT", "SO_LINGER")


class World:
    """The caller's settings, and how often its own handlers have been called.

    Args:
        language: of the program; in Python SIGPIPE is the interpreter's affair.
    """

    def __init__(self, language: str) -> None:
        self._own = [signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1]
        if language == "c":
            self._own.append(signal.SIGPIPE)
        self._called: Counter[str] = Counter()
        self.child = 0
        self._objects: list[Any] = []  # Python's handlers, which the kernel cannot tell apart
        self._sigaction = ctypes.CDLL(None).sigaction

    def arrange(self) -> None:
        """Have what a plain process has not."""
        for number in self._own:
            signal.signal(number, self._handler)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        for number in range(_FILES):
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), number % 2 == 0)
        os.dup2(0, _HIGHEST)
        os.close(0)  # as a daemon does: the program's first descriptor is 0
        os.umask(0o027)
        os.chdir("/")

    def have_child(self) -> None:
        """Have a child that has ended, and not been waited for yet."""
        self.child = _fork()
        if self.child == 0:
            _exit(_CODE)
        _waitid(os.P_PID, self.child, os.WEXITED | os.WNOWAIT)

    def wait_for_child(self) -> None:
        """Wait for it, as whoever has children does in the end."""
        if self._waiting_child():
            _waitid(os.P_PID, self.child, os.WEXITED)

    def found(self, lent: list[Any]) -> dict[str, Any]:
        """The settings as they are now.

        Args:
            lent: the caller's sockets; in C their descriptors.

        Returns:
            ``handlers`` (name -> a number for Python's, and the address that the
            kernel has), ``called`` (name -> how often), ``umask``,
            ``directory``, ``timeout``, ``wakeup`` (of `signal.set_wakeup_fd`), and
            ``child``, the caller's own, if its status is still there, or 0,
            ``sockets``, the options of each, ``inherited``, whether each is by a
            program that is executed, and ``lent``, their numbers.
        """
        umask = os.umask(0)
        os.umask(umask)
        return {
            "handlers": {name: self._found(getattr(signal, name)) for name in _HANDLED},
            "called": dict(self._called),
            "umask": umask,
            "directory": _directory(),
            "timeout": socket.getdefaulttimeout(),
            "wakeup": _wakeup(),
            "child": self._waiting_child(),
            "sockets": [_options(thing) for thing in lent],
            "inherited": [_is_inherited(_number(thing)) for thing in lent],
            "lent": [_number(thing) for thing in lent],
        }

    def _waiting_child(self) -> int:
        if self.child == 0:
            return 0
        try:
            ended = _waitid(os.P_PID, self.child, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        except ChildProcessError:
            return 0  # somebody has waited for it
        return ended.si_pid

    def _handler(self, number: int, _frame: object) -> None:
        self._called[signal.Signals(number).name] += 1

    def _found(self, number: int) -> list:
        action = ctypes.create_string_buffer(_ACTION)
        self._sigaction(number, None, action)
        address = int.from_bytes(action.raw[: ctypes.sizeof(ctypes.c_void_p)], "little")
        handler = signal.getsignal(number)
        if not any(known is handler for known in self._objects):
            self._objects.append(handler)
        return [next(n for n, known in enumerate(self._objects) if known is handler), address]


def _number(lent: Any) -> int:
    return lent if isinstance(lent, int) else lent.fileno()


def _is_inherited(number: int) -> bool:
    """Whether a descriptor survives exec; one that is closed does not."""
    try:
        return not _fcntl(number, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    except (OSError, ValueError):
        return False


def _options(lent: Any) -> dict[str, Any]:
    """The options of a lent socket; none if it is closed."""
    try:
        probe = plain_socket(fileno=_number(lent))
    except (OSError, ValueError):
        return {}
    try:
        options: dict[str, Any] = {
            name: probe.getsockopt(socket.SOL_SOCKET, getattr(socket, name), _OPTION).hex() for name in _OPTIONS
        }
    finally:
        probe.detach()
    return options | {"settimeout": None if isinstance(lent, int) else lent.gettimeout()}


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""  # it has been removed


def _wakeup() -> int:
    """Python's wakeup descriptor, -1 for none; it can be asked for only by setting it."""
    descriptor = signal.set_wakeup_fd(-1)
    if descriptor != -1:
        try:
            signal.set_wakeup_fd(descriptor)
        except (OSError, ValueError):
            pass  # it is closed
    return descriptor
