"""The held clock of a Python program: the twin of ``clock.c``.

While the script holds the clock, every function that reads one is told the
script's time, and every call that may wait does so in short slices of real
time, until there is something to report or the script's time has come.
"""

from __future__ import annotations

import _thread
import errno
import os
import queue
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from grader.trace.python.call import Call
from grader.trace.python.recorded import recorded, recorder

_real_poll, _real_sleep, _raise_signal = select.poll, time.sleep, signal.raise_signal
_clock_gettime_ns, _monotonic_ns, _time_ns = time.clock_gettime_ns, time.monotonic_ns, time.time_ns
_real_setitimer, _real_alarm, _real_getitimer = signal.setitimer, signal.alarm, signal.getitimer
_condition_wait, _thread_join = threading.Condition.wait, threading.Thread.join
_allocate_lock = _thread.allocate_lock
_real = socket.socket

#: What one look lasts (seconds).
SLICE = 0.0003
_SECOND = 1_000_000_000
_BETWEEN_READINGS = 1_000

#: How far CLOCK_REALTIME is ahead of CLOCK_MONOTONIC: one value for a process, in
#: whole seconds, so that both show the same fraction of one.
_offset = (_time_ns() - _monotonic_ns()) // _SECOND * _SECOND
_REAL_CLOCKS = (time.CLOCK_REALTIME,)
_HELD_CLOCKS = (time.CLOCK_MONOTONIC, time.CLOCK_MONOTONIC_RAW, time.CLOCK_BOOTTIME)

#: ITIMER_REAL: when it is due, and its period (nanoseconds); 0: unset.
_alarm_due = _alarm_period = 0


def is_held() -> bool:
    """Whether the script holds the clock."""
    return bool(recorder().field("clock_held"))


def _now() -> int:
    return recorder().time()


def wait(call: Call, seconds: float | None, look: Callable[[float], Any]) -> Any:
    """Look until there is a result, or seconds of the script's time have passed.

    Args:
        call: the record that tells of the wait.
        seconds: None for no limit.
        look: looks once, for so many real seconds; its result is false if there
            is nothing yet.
    """
    start = _now()
    end = None if seconds is None else start + max(0, round(seconds * _SECOND))
    result = look(0)
    while not result and (end is None or _now() < end):
        until = min((moment for moment in (end, _alarm_due) if moment), default=0)
        if until:
            recorder().waits(call, until, start)
        _expire()
        recorder().take("interrupts")  # which Python itself goes on after (PEP 475)
        result = look(SLICE)
    return result


def _expire() -> None:
    """Let the timer's signal come if it is due; its handler may raise."""
    global _alarm_due
    now = _now()
    if _alarm_due and now >= _alarm_due:
        _alarm_due = now + _alarm_period if _alarm_period else 0
        _raise_signal(signal.SIGALRM)


# --- sockets ----------------------------------------------------------------


def await_ready(call: Call, sock: socket.socket, events: int) -> None:
    """Wait until a call on sock would not block, where the script holds the clock
    or the plan waits for that.

    Raises:
        TimeoutError: settimeout()'s limit has passed.
        BlockingIOError: the limit of SO_RCVTIMEO or SO_SNDTIMEO has.
        OSError: the error that the plan injects.
    """
    timeout = _real.gettimeout(sock)
    if timeout == 0 or not (is_held() or call.is_early):
        return
    limit = timeout or kernel_limit(sock, events)
    if is_held():
        is_ready = wait(call, limit, lambda seconds: _poll(sock, events, seconds))
    else:
        is_ready = _poll(sock, events, limit)
    if is_ready:
        recorder().is_ready(call)
        return
    if timeout:
        raise TimeoutError("timed out")
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def attempt(call: Call, sock: socket.socket, send: Callable[[], int]) -> int:
    """Send on the held clock where nothing tells but the attempt whether there is room:
    of Unix datagrams, poll(2) knows the queue of a connected socket's peer alone.

    Args:
        send: the real call, without blocking.

    Raises:
        TimeoutError: settimeout()'s limit has passed.
        BlockingIOError: the limit of SO_SNDTIMEO has.
    """

    def look(seconds: float) -> tuple[int] | None:
        try:
            return (send(),)
        except BlockingIOError:
            if timeout == 0:
                raise
            _real_sleep(seconds)
            return None

    timeout = _real.gettimeout(sock)
    limit = timeout or kernel_limit(sock, select.POLLOUT)
    _real.settimeout(sock, 0.0)
    try:
        sent = wait(call, limit, look)
    finally:
        _real.settimeout(sock, timeout)
    if sent:
        return sent[0]
    if timeout:
        raise TimeoutError("timed out")
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def connect(call: Call, sock: socket.socket, address: Any) -> int:
    """Connect on the held clock; returns an errno, as connect_ex() does.

    Raises:
        TimeoutError: settimeout()'s limit has passed.
    """

    def look(seconds: float) -> tuple[int] | None:
        """A Unix socket's backlog is full: whether it has room shows only when one connects."""
        error = _real.connect_ex(sock, address)
        if error == errno.EAGAIN:
            _real_sleep(seconds)
        return None if error == errno.EAGAIN else (error,)

    timeout = _real.gettimeout(sock)
    if timeout == 0:
        return _real.connect_ex(sock, address)
    _real.settimeout(sock, 0.0)
    try:
        limit = timeout or kernel_limit(sock, select.POLLOUT)
        error = _real.connect_ex(sock, address)
        if error == errno.EAGAIN and timeout is None:
            return (wait(call, limit, look) or (errno.EAGAIN,))[0]
        if error != errno.EINPROGRESS:
            return error
        if wait(call, limit, lambda seconds: _poll(sock, select.POLLOUT, seconds)):
            return _real.getsockopt(sock, socket.SOL_SOCKET, socket.SO_ERROR)
        if timeout:
            raise TimeoutError("timed out")
        return errno.EINPROGRESS  # what SO_SNDTIMEO comes to
    finally:
        if sock.fileno() != -1:
            _real.settimeout(sock, timeout)


def kernel_limit(sock: socket.socket, events: int) -> float | None:
    """SO_RCVTIMEO or SO_SNDTIMEO in seconds, None for no limit."""
    option = socket.SO_RCVTIMEO if events == select.POLLIN else socket.SO_SNDTIMEO
    try:
        seconds, micros = struct.unpack("ll", _real.getsockopt(sock, socket.SOL_SOCKET, option, 16))
    except (OSError, struct.error):
        return None
    return seconds + micros / 1e6 or None


def _poll(sock: socket.socket, events: int, seconds: float | None) -> list:
    poll = _real_poll()
    poll.register(sock.fileno(), events)
    return poll.poll(None if seconds is None else seconds * 1000)


# --- clocks -----------------------------------------------------------------


def _reading() -> int:
    """CLOCK_MONOTONIC for the program, which may wait for it to change: on a held
    clock each reading is later than the one before."""
    if is_held():
        recorder().add("clock_drift", _BETWEEN_READINGS)
    return _now()


def _clock_ns(clock: int) -> int:
    if is_held() and clock in _REAL_CLOCKS:
        return _reading() + _offset
    if is_held() and clock in _HELD_CLOCKS:
        return _reading()
    return _clock_gettime_ns(clock)


def _monotonic() -> float:
    return _reading() / _SECOND


def _real_time_ns() -> int:
    return _reading() + _offset if is_held() else _time_ns()


class _DateTime(datetime):
    """``datetime.datetime`` whose now() is the held clock's."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return cls.fromtimestamp(_real_time_ns() / _SECOND, tz)

    @classmethod
    def utcnow(cls) -> datetime:
        return cls.now(UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> date:
        return cls.now()


def sleep(seconds: float) -> None:
    """``time.sleep``, which a fault plan may cut short (limit, in milliseconds)."""

    def action(call: Call) -> None:
        if is_held():
            wait(call, seconds, _real_sleep)
            return
        asked = int(seconds * 1000)
        allowed = call.limit(asked)
        _real_sleep(allowed / 1000 if allowed < asked else seconds)

    if not isinstance(seconds, (int, float)) or seconds < 0:
        _real_sleep(seconds)  # which raises what it has to
    else:
        recorded("sleep", -1, (0, int(seconds * 1000)), action)


# --- threads ----------------------------------------------------------------


def _wait_for_condition(condition: threading.Condition, timeout: float | None = None) -> bool:
    if timeout is None or timeout <= 0 or not is_held():
        return _condition_wait(condition, timeout)
    return recorded("sleep", -1, (0, int(timeout * 1000)), lambda call: _waits_for(condition, call, timeout))


def _waits_for(condition: threading.Condition, call: Call, timeout: float) -> bool:
    """What Condition.wait() does, with one lock for all looks: between two waits a
    notification would be lost."""
    if not condition._is_owned():
        raise RuntimeError("cannot wait on un-acquired lock")
    waiter = _allocate_lock()
    waiter.acquire()
    condition._waiters.append(waiter)
    saved, is_notified = condition._release_save(), False
    try:
        is_notified = bool(wait(call, timeout, lambda seconds: waiter.acquire(True, seconds)))
        return is_notified
    finally:
        condition._acquire_restore(saved)
        if not is_notified and waiter in condition._waiters:
            condition._waiters.remove(waiter)


def _join(thread: threading.Thread, timeout: float | None = None) -> None:
    def look(seconds: float) -> bool:
        _thread_join(thread, seconds)
        return not thread.is_alive()

    if timeout is None or timeout <= 0 or not is_held():
        _thread_join(thread, timeout)
    else:
        recorded("sleep", -1, (0, int(timeout * 1000)), lambda call: wait(call, timeout, look))


# --- timers -----------------------------------------------------------------


def _setitimer(which: int, seconds: float, interval: float = 0.0) -> tuple[float, float]:
    global _alarm_due, _alarm_period
    is_alarm = which == signal.ITIMER_REAL  # others count what a program computes, and wake none that sleeps
    if not is_alarm or not is_held():
        if is_alarm:
            recorder().note_timer(seconds, interval)
        return _real_setitimer(which, seconds, interval)
    old = _getitimer(which)
    _alarm_due = _now() + round(seconds * _SECOND) if seconds else 0
    _alarm_period = round(interval * _SECOND)
    return old


def _getitimer(which: int) -> tuple[float, float]:
    if which != signal.ITIMER_REAL or not is_held():
        return _real_getitimer(which)
    return max(0, _alarm_due - _now()) / _SECOND if _alarm_due else 0.0, _alarm_period / _SECOND


def _alarm(seconds: int) -> int:
    if not is_held():
        recorder().note_timer(seconds)
        return _real_alarm(seconds)
    left, _ = _setitimer(signal.ITIMER_REAL, seconds)
    return -int(-left // 1)


def install() -> None:
    """Let all clocks of this process be the script's where it holds them."""
    import datetime as module

    time.sleep = sleep
    time.monotonic_ns, time.time_ns, time.perf_counter_ns = _reading, _real_time_ns, _reading
    time.monotonic = time.perf_counter = _monotonic
    time.time = lambda: _real_time_ns() / _SECOND
    time.clock_gettime_ns, time.clock_gettime = _clock_ns, lambda clock: _clock_ns(clock) / _SECOND
    module.datetime = _DateTime
    threading._time, queue.time = _monotonic, _monotonic
    threading.Condition.wait, threading.Thread.join = _wait_for_condition, _join
    signal.setitimer, signal.getitimer, signal.alarm = _setitimer, _getitimer, _alarm
