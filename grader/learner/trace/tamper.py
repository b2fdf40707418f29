"""Puts the trace between a learner's Python program and the kernel.

`install` replaces ``socket.socket`` by a subclass and wraps the functions of
``socket``, ``os`` and ``select`` that touch descriptors, before the learner's
module is imported: a reference of its own (``from socket import getaddrinfo``)
is then a reference to the wrapper.
"""

from __future__ import annotations

import _thread
import builtins
import errno
import io
import math
import os
import select
import selectors
import signal
import socket
import stat
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

from grader.learner.trace import held_clock, layout
from grader.learner.trace.recorded import done, enter, record_with, recorded, recorder, view_of
from grader.learner.trace.recorder import Call, Recorder, error_of
from grader.learner.trace.traced_socket import TracedSocket


def _getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> list:
    def action(call: Call) -> list:
        name = host.decode() if isinstance(host, bytes) else host
        service = port.decode() if isinstance(port, bytes) else port
        call.payload = f"{name or ''}\0{'' if service is None else service}".encode()
        if call.fault and call.fault.kinds & layout.RETVAL:
            raise socket.gaierror(call.fault.retval, "injected")
        addresses = recorder().scripted_addresses(name)
        number = recorder().scripted_port(str(service)) if service is not None else None
        if number != service and flags & socket.AI_NUMERICSERV:
            number = service
        kind = type
        if number != service and number.endswith("/udp"):  # of datagrams alone
            if type not in (0, socket.SOCK_DGRAM) or proto not in (0, socket.IPPROTO_UDP):
                raise socket.gaierror(socket.EAI_SERVICE, "Servname not supported for ai_socktype")
            number, kind = number.removesuffix("/udp"), socket.SOCK_DGRAM
        # "" is a name that nobody has; without any the script's are to listen on
        if not addresses or name == "" or (name is None and not flags & socket.AI_PASSIVE):
            return _real_getaddrinfo(host, number, family, kind, proto, flags)
        if name and flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found, error = [], socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        numeric = (flags | socket.AI_NUMERICHOST) & ~socket.AI_ADDRCONFIG
        for address in addresses:
            try:
                found += _real_getaddrinfo(address, number, family, kind, proto, numeric)
            except socket.gaierror as e:
                if e.errno == socket.EAI_SERVICE:
                    error = e
        if not found:
            raise error
        return found

    call = enter("getaddrinfo", -1, int(family), int(type), int(flags))
    try:
        call.answer()
        result = action(call)
    except socket.gaierror as exception:
        done(call, exception.errno or -1)
        raise
    except BaseException as exception:
        done(call, -1, error_of(exception))
        raise
    done(call, 0)
    return result


def _gethostbyname(name: str) -> str:
    def action(call: Call) -> str:
        call.payload = str(name).encode()
        addresses = recorder().scripted_addresses(name)
        return next((a for a in addresses if ":" not in a), None) or _real_gethostbyname(name)

    return recorded("gethostbyname", -1, (), action)


def _socketpair(*args: Any, **named: Any) -> tuple[socket.socket, socket.socket]:
    def action(call: Call) -> tuple[socket.socket, socket.socket]:
        pair = _real_socketpair(*args, **named)
        call.payload = struct.pack("=ii", *(half.fileno() for half in pair))
        return pair

    return recorded("socketpair", -1, (), action)


def _is_socket(fd: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except (OSError, TypeError):
        return False


def _os_read(fd: int, size: int) -> bytes:
    def action(call: Call) -> bytes:
        call.payload = data = _real_read(fd, call.limit(size))
        return data

    if not _is_socket(fd):
        return _real_read(fd, size)
    return recorded("read", fd, (size,), action, len)


def _os_write(fd: int, data: Any) -> int:
    def action(call: Call) -> int:
        sent = _real_write(fd, view[: call.limit(len(view))])
        call.payload = bytes(view[: min(sent, layout.PAYLOAD_SIZE)])
        return sent

    if not _is_socket(fd):
        return _real_write(fd, data)
    with view_of(data) as view:
        return recorded("write", fd, (len(view),), action, int)


def _os_readv(fd: int, buffers: Any) -> int:
    def action(call: Call) -> int:
        data = _real_read(fd, call.limit(size))
        call.payload, left = data, data
        for part in parts:
            part[: len(left[: len(part)])] = left[: len(part)]
            left = left[len(part) :]
        return len(data)

    parts = [view_of(part) for part in buffers]
    size = sum(map(len, parts))
    if not _is_socket(fd):
        return _real_readv(fd, buffers)
    return recorded("readv", fd, (size,), action, int)


def _os_writev(fd: int, buffers: Any) -> int:
    def action(call: Call) -> int:
        sent = _real_write(fd, data[: call.limit(len(data))])
        call.payload = data[: min(sent, layout.PAYLOAD_SIZE)]
        return sent

    if not _is_socket(fd):
        return _real_writev(fd, buffers)
    data = b"".join(bytes(view_of(part)) for part in buffers)
    return recorded("writev", fd, (len(data),), action, int)


def _os_sendfile(out_fd: int, in_fd: int, offset: int | None, count: int, *rest: Any, **named: Any) -> int:
    return recorded(
        "sendfile", out_fd, (count,),
        lambda call: _real_sendfile(out_fd, in_fd, offset, call.limit(count), *rest, **named), int,
    )  # fmt: skip


class _SocketFile(io.RawIOBase):
    """A file over the descriptor of a socket, as open() makes it, with its
    reads and writes in the trace."""

    def __init__(self, fd: int, mode: str, closefd: bool) -> None:
        self._fd, self._mode, self._closefd = fd, mode, closefd

    def fileno(self) -> int:
        return self._fd

    def readable(self) -> bool:
        return "r" in self._mode or "+" in self._mode

    def writable(self) -> bool:
        return "w" in self._mode or "a" in self._mode or "+" in self._mode

    def readinto(self, buffer: Any) -> int:
        data = os.read(self._fd, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        return os.write(self._fd, data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self._closefd:
                os.close(self._fd)


def _open(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, closefd: bool = True, **named: Any) -> Any:
    if not isinstance(file, int) or not _is_socket(file):
        return _real_open(file, mode, buffering, *rest, closefd=closefd, **named)
    raw = _SocketFile(file, mode, closefd)
    if buffering == 0:
        return raw
    if raw.readable() and raw.writable():
        buffered: Any = io.BufferedRWPair(raw, raw)
    else:
        buffered = io.BufferedReader(raw) if raw.readable() else io.BufferedWriter(raw)
    return buffered if "b" in mode else io.TextIOWrapper(buffered, *rest, **named)


def _os_close(fd: int) -> None:
    call = enter("close", fd)
    try:
        _real_close(fd)  # Linux closes even when it reports an error
        call.answer()
    except OSError as exception:
        done(call, -1, error_of(exception))
        raise
    done(call)


def _os_dup(fd: int) -> int:
    return recorded("dup", fd, (), lambda call: _real_dup(fd), int)


def _os_fork() -> int:
    call = enter("fork", -1)
    try:
        call.answer()
        while recorder().add("forks") > recorder().field("fork_limit"):
            _real_pause()  # without end, it would fill the machine: the judge finds it here
        pid = _real_fork()
    except OSError as exception:
        done(call, -1, error_of(exception))
        raise
    if pid:
        done(call, pid)
    return pid


def _os_exit(status: int) -> None:
    enter("exit", -1, int(status))
    _real_exit(status)


def _waits(operation: str, real: Callable, limit: Callable[..., int] = lambda *_: -1) -> Callable:
    """A wrapper of a call that waits for a signal or a child.

    Args:
        limit: what the record holds in the second place, from the arguments: a
            limit in milliseconds; of waitpid, the options.
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

    limit = -1 if timeout is None else int(timeout * 1000)
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
        """Args:
        seconds: the limit in seconds, None for none.
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


def _thread_starter(real: Callable) -> Callable:
    def start(*args: Any, **named: Any) -> Any:
        call = enter("pthread_create", -1)
        try:
            if call.fault and call.fault.kinds & layout.ERROR:
                raise RuntimeError("can't start new thread")  # what the interpreter makes of it
            result = real(*args, **named)
        except RuntimeError:
            done(call, -1, errno.EAGAIN)
            raise
        done(call)
        return result

    return start


def _start_new_thread(function: Callable, *args: Any) -> int:
    def begun(*rest: Any, **named: Any) -> Any:
        done(enter("thread_start", -1))
        return function(*rest, **named)

    return _thread_starter(_real_start_new_thread)(begun, *args)


def _thread_begins(*_event: Any) -> None:
    """The first event of a new thread, before its run() is called."""
    sys.setprofile(None)
    done(enter("thread_start", -1))


def install(recorder: Recorder) -> None:
    """Start tracing in this process; cannot be taken back."""
    record_with(recorder)
    held_clock.install()
    socket.socket = socket.SocketType = TracedSocket
    socket.getaddrinfo = _getaddrinfo
    socket.socketpair = _socketpair
    socket.gethostbyname = _gethostbyname
    for name, wrapper in {
        "read": _os_read,
        "write": _os_write,
        "readv": _os_readv,
        "writev": _os_writev,
        "sendfile": _os_sendfile,
        "close": _os_close,
        "dup": _os_dup,
        "fork": _os_fork,
        "_exit": _os_exit,
    }.items():
        setattr(os, name, wrapper)
    builtins.open = io.open = _open
    os.fdopen = lambda fd, mode="r", buffering=-1, *rest, **named: _open(fd, mode, buffering, *rest, **named)
    select.select, select.poll, select.epoll = _select, _Poll, _Epoll
    for name in ("pause", "sigwait", "sigwaitinfo"):
        setattr(signal, name, _waits(name.removesuffix("info"), getattr(signal, name)))
    signal.sigtimedwait = _waits("sigwait", signal.sigtimedwait, lambda _, seconds: int(seconds * 1000))
    os.wait = _waits("waitpid", os.wait, lambda: 0)
    os.waitpid = _waits("waitpid", os.waitpid, lambda _, options: options)
    os.waitid = _waits("waitpid", os.waitid, lambda _, __, options: options)
    os.wait3 = _waits("waitpid", os.wait3, lambda options: options)
    os.wait4 = _waits("waitpid", os.wait4, lambda _, options: options)
    _thread.start_new_thread = _start_new_thread
    for name in ("_start_new_thread", "_start_joinable_thread"):  # whichever this Python has
        if hasattr(threading, name):
            setattr(threading, name, _thread_starter(getattr(threading, name)))
    threading.setprofile(_thread_begins)
    # selectors took its references when the launcher imported it
    selectors.PollSelector._selector_cls = _Poll
    selectors.EpollSelector._selector_cls = _Epoll
    selectors.SelectSelector._select = staticmethod(_select)
    # socket.fromfd looks the class up when it is called


_real_getaddrinfo = socket.getaddrinfo
_real_gethostbyname = socket.gethostbyname
_real_socketpair = socket.socketpair
_real_read, _real_write, _real_close, _real_dup = os.read, os.write, os.close, os.dup
_real_readv, _real_writev, _real_sendfile, _real_open = os.readv, os.writev, os.sendfile, open
_real_fork, _real_exit, _real_select = os.fork, os._exit, select.select
_real_pause = signal.pause
_real_start_new_thread = _thread.start_new_thread
