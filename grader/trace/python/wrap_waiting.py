"""Wrappers of the calls that wait for descriptors and signals: the twin
of ``wrap_waiting.c`` and ``wrap_sleeping.c``."""

from __future__ import annotations

import math
import select
import selectors
import signal
from collections.abc import Callable
from typing import Any

from grader.trace.python import held_clock
from grader.trace.python.call import Call
from grader.trace.python.recorded import recorded

_real_select = select.select


def _waits(operation: str, real: Callable, limit: Callable[..., int] = lambda *_: -1) -> Callable:
    """A wrapper of a call that waits for a signal.

    Args:
        limit: the limit in milliseconds, from the arguments.
    """

    def wait(*args: Any, **named: Any) -> Any:
        return recorded(operation, -1, (0, limit(*args, *named.values())), lambda call: real(*args, **named))

    return wait


def _select(readable: Any, writable: Any, exceptional: Any, timeout: float | None = None) -> tuple:
    def action(call: Call) -> tuple:
        if not held_clock.is_held() or (timeout is not None and timeout < 0):
            return _real_select(readable, writable, exceptional, timeout)
        return held_clock.wait(call, timeout, look) or ([], [], [])

    def look(seconds: float) -> tuple | None:
        found = _real_select(readable, writable, exceptional, seconds)
        return found if any(found) else None

    limit = -1 if timeout is None else math.ceil(timeout * 1000)
    if timeout is not None and not (readable or writable or exceptional):
        held_clock.sleep(timeout)  # which is all that it does
        return [], [], []
    asked = (len(readable) + len(writable), limit, len(writable))
    return recorded("select", -1, asked, action, lambda result: sum(map(len, result)))


def _number(fd: Any) -> int:
    return fd if isinstance(fd, int) else fd.fileno()


class _Waiter:
    """A poll or epoll object whose waits are in the trace."""

    _kind = ""
    _unit = 1  # of the real call's limit, in a second

    def __init__(self, *args: Any) -> None:
        self._real = self._make(*args)
        self._asked: dict[int, int] = {}

    def register(self, fd: Any, *events: int) -> None:
        self._real.register(fd, *events)
        self._asked[_number(fd)] = events[0] if events else select.POLLOUT

    def modify(self, fd: Any, events: int) -> None:
        self._real.modify(fd, events)
        self._asked[_number(fd)] = events

    def unregister(self, fd: Any) -> None:
        self._asked.pop(_number(fd), None)
        self._real.unregister(fd)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def _wait(self, limit: int, seconds: float | None, *args: Any) -> list:
        """Wait, on the held clock where the script holds it.

        Args:
            limit: what the record holds: milliseconds, -1 for none.
            seconds: the same in seconds, None for none.
            args: those of the real call, its own limit first.
        """

        def action(call: Call) -> list:
            if not held_clock.is_held():
                return self._real.poll(*args)
            return held_clock.wait(call, seconds, lambda slice: self._real.poll(slice * self._unit, *args[1:]))

        writers = sum(bool(events & select.POLLOUT) for events in self._asked.values())
        return recorded(self._kind, -1, (len(self._asked), limit, writers), action, len)


class _Poll(_Waiter):
    _kind, _make, _unit = "poll", staticmethod(select.poll), 1000

    def poll(self, timeout: float | None = None) -> list:
        limit = -1 if timeout is None or timeout < 0 else math.ceil(timeout)
        return self._wait(limit, None if limit == -1 else limit / 1000, timeout)


class _Epoll(_Waiter):
    _kind, _make = "epoll_wait", staticmethod(select.epoll)

    def __enter__(self) -> _Epoll:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list:
        limit = -1 if timeout is None or timeout < 0 else math.ceil(timeout * 1000)
        return self._wait(limit, None if limit == -1 else limit / 1000, timeout, maxevents)


def install() -> None:
    """Let the waits of this process be in the trace."""
    select.select, select.poll, select.epoll = _select, _Poll, _Epoll
    for name in ("pause", "sigwait", "sigwaitinfo"):
        setattr(signal, name, _waits(name.removesuffix("info"), getattr(signal, name)))
    signal.sigtimedwait = _waits("sigwait", signal.sigtimedwait, lambda _, seconds: int(seconds * 1000))
    # selectors took its references when the launcher imported it
    selectors.PollSelector._selector_cls = _Poll
    selectors.EpollSelector._selector_cls = _Epoll
    selectors.SelectSelector._select = staticmethod(_select)
