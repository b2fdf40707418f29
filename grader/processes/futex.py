"""How long a thread waits on a lock: what futex(2) has been asked for."""

from __future__ import annotations

import math
import os
import struct
import time
from collections.abc import Callable

#: Numbers of futex(2), and of what the kernel goes on with, with the same arguments,
#: when the process has been stopped meanwhile (restart_syscall(2)).
_FUTEX, _RESTART = {"x86_64": (202, 219), "aarch64": (98, 128)}.get(os.uname().machine, (-1, -1))
#: Operations that wait, in the low bits; and a flag: the limit is one of CLOCK_REALTIME.
_WAIT, _LOCK_PI, _WAIT_BITSET, _LOCK_PI2, _OPERATION = 0, 6, 9, 13, 0x7F
_PRIVATE, _CLOCK_REALTIME = 128, 256
_TIMESPEC = struct.Struct("=qq")


def is_wait(call: list[int]) -> bool:
    """Whether a system call waits on a lock.

    Args:
        call: its number and arguments (proc(5), ``/proc/pid/syscall``).
    """
    if call[0] == _RESTART:
        return call[2] & ~_CLOCK_REALTIME == _WAIT_BITSET | _PRIVATE  # of all waits this one alone is gone on with
    return call[0] == _FUTEX and call[2] & _OPERATION in (_WAIT, _LOCK_PI, _WAIT_BITSET, _LOCK_PI2)


def is_endless(call: list[int]) -> bool:
    """Whether it does so without a limit."""
    return is_wait(call) and call[4] == 0


def seconds_left(call: list[int], memory: Callable[[int, int], bytes]) -> float:
    """How long the wait lasts still; infinity, without a limit.

    Args:
        call: a wait.
        memory: its process' memory, by address and size.

    Raises:
        OSError: the process is gone.
    """
    if is_endless(call):
        return math.inf
    content = memory(call[4], _TIMESPEC.size)
    if len(content) < _TIMESPEC.size:
        return 0.0
    seconds, nanoseconds = _TIMESPEC.unpack(content)
    limit, operation = seconds + nanoseconds / 1e9, call[2] & _OPERATION
    if operation == _WAIT:
        return limit  # from when it began on: how long ago that is nobody knows
    is_real = operation == _LOCK_PI or call[2] & _CLOCK_REALTIME
    return limit - time.clock_gettime(time.CLOCK_REALTIME if is_real else time.CLOCK_MONOTONIC)
