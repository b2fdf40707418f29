"""One call under way in a learner's Python program, and what the plan does to it."""

from __future__ import annotations

import ctypes
import errno as errnos
import os
import socket

from grader.trace import layout
from grader.trace.calls import NUMBER
from grader.trace.python import states

_real_kill = os.kill
_WITH_OPTIONS = (NUMBER["setsockopt"], NUMBER["getsockopt"])
#: A time limit that the caller may have set, and no slice of a wait (seconds).
_CALLERS = 1.0
#: An error that says that the connection is gone makes it so: whoever else uses
#: it, a thread that reads, hears of it too.  Of datagrams it concerns one, and
#: accept() tells it of a connection that nobody has yet.
_GONE = (errnos.ECONNRESET, errnos.EPIPE, errnos.ETIMEDOUT, errnos.EHOSTUNREACH)
_NO_CONNECTION = (NUMBER["connect"], NUMBER["accept"])
_shutdown = ctypes.CDLL(None).shutdown


class Fault:
    """One entry of the plan, as the shared memory holds it."""

    __slots__ = ("error", "kinds", "limit", "poke", "retval", "signal")

    def __init__(self, kinds: int, error: int, number: int, retval: int, limit: int, poke: bytes):
        self.kinds, self.error, self.signal = kinds, error, number
        self.retval, self.limit, self.poke = retval, limit, poke


class Call:
    """One call under way."""

    __slots__ = (
        "address", "args", "control", "entered", "entry", "fault", "has_become", "head", "injected", "is_early",
        "is_timed", "operation", "patience", "payload", "states", "where",
    )  # fmt: skip

    def __init__(self, entry: int, operation: int, head: tuple, args: tuple):
        self.entry, self.operation, self.head, self.args = entry, operation, head, args
        self.fault: Fault | None = None
        self.injected = self.states = self.where = self.entered = self.patience = 0
        self.is_early = False  # the plan has its say when it is ready
        self.is_timed = False  # the plan's error is the end of the socket's time limit
        self.has_become = False  # the plan has put another error for its own
        self.payload = self.address = self.control = b""

    @property
    def option(self) -> int:
        """The socket option that it asks for, as faults have it; 0 for none."""
        if self.operation not in _WITH_OPTIONS or self.args[0] < 0:
            return 0
        return layout.option_key(*self.args[:2])

    def poked(self, data: bytes) -> bytes:
        """What the call has brought, or what the plan has it be."""
        if self.fault is None or not self.fault.kinds & layout.POKE:
            return data
        return self.fault.poke[: len(data)] + data[len(self.fault.poke) :]

    def touch(self, fault: Fault | None) -> None:
        """The plan's fault for this call."""
        self.fault = fault
        self.injected = fault.kinds if fault else 0

    def limit(self, length: int) -> int:
        """The number of bytes the plan lets through, at most length."""
        if self.fault is not None and self.fault.kinds & layout.LIMIT:
            if self.fault.limit < length:
                return self.fault.limit
            self.injected &= ~layout.LIMIT  # it changed nothing
        return length

    def becomes(self, error: int) -> int:
        """The error that the call reports, or what the plan has it become."""
        if self.fault is None or not self.fault.kinds & layout.BECOMES or error != errnos.ECONNREFUSED:
            return error
        self.has_become = True
        return self.fault.error

    def spare(self, patience: float | None) -> None:
        """Leave a call alone that asked not to block, or for long: EAGAIN is what a
        blocking call reports of the time limit that the caller has set.

        Args:
            patience: the time limit of the socket (seconds), None for none.
        """
        if patience is None or self.fault is None or self.fault.error != errnos.EAGAIN:
            return
        self.is_timed = patience >= _CALLERS
        if not self.is_timed:
            self.fault, self.injected = None, 0

    @property
    def _is_of_datagrams(self) -> bool:
        return bool(states.states_of(self.operation, self.head[2], 0, 0) & layout.STATE_BIT["datagram"])

    def answer(self) -> None:
        """Let the plan answer the call itself.

        Raises:
            OSError: the error that the plan injects.
        """
        fault = self.fault
        if fault is None:
            return
        if fault.kinds & layout.SIGNAL:
            _real_kill(os.getpid(), fault.signal)  # as from outside: for any thread
        if fault.kinds & layout.ERROR:
            if fault.error in _GONE and self.operation not in _NO_CONNECTION and not self._is_of_datagrams:
                _shutdown(self.head[2], socket.SHUT_RDWR)
            raise TimeoutError("timed out") if self.is_timed else OSError(fault.error, os.strerror(fault.error))
