"""Puts the trace between a learner's Python program and the kernel.

`install` replaces ``socket.socket`` by a subclass and wraps the functions of
``socket``, ``os`` and ``select`` that touch descriptors, before the learner's
module is imported: a reference of its own (``from socket import getaddrinfo``)
is then a reference to the wrapper.
"""

from __future__ import annotations

import errno as errnos
import os
import select
import selectors
import socket
import stat
import struct
from collections.abc import Callable
from typing import Any

from grader.learner.trace import layout
from grader.learner.trace.recorder import Call, Recorder, error_of

_real = socket.socket
_OP = layout.NUMBER

_recorder: Recorder | None = None


def _enter(operation: str, fd: int, *args: int) -> Call:
    return _recorder.enter(_OP[operation], fd, *args)


def _done(call: Call, result: int = 0, error: int = 0) -> None:
    _recorder.leave(call, result, error)


def _recorded(operation: str, fd: int, args: tuple, action: Callable, length: Callable | None = None) -> Any:
    """Run action between the two halves of a record.

    Args:
        action: takes the call, makes the real one and returns its result.
        length: turns the result into the number that C would have returned.
    """
    call = _enter(operation, fd, *args)
    try:
        call.answer()
        result = action(call)
    except BaseException as exception:
        _done(call, -1, error_of(exception))
        raise
    _done(call, length(result) if length else 0)
    return result


def _address_bytes(family: int, address: Any) -> bytes:
    """An address as the sockaddr that the kernel sees, as C's trace keeps it."""
    try:
        if family == socket.AF_INET:
            host = socket.inet_aton(address[0] or "0.0.0.0")
            return struct.pack("=H", family) + struct.pack("!H", address[1]) + host + bytes(8)
        if family == socket.AF_INET6:
            host = socket.inet_pton(family, address[0].partition("%")[0] or "::")
            return struct.pack("=H", family) + struct.pack("!HI", address[1], 0) + host + bytes(4)
        if family == socket.AF_UNIX:
            return struct.pack("=H", family) + os.fsencode(address)
    except (OSError, TypeError, IndexError, struct.error, AttributeError):
        pass
    return struct.pack("=H", family)


class TracedSocket(_real):
    """``socket.socket`` with every call written to the trace."""

    __slots__ = ("_released",)

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        self._released = False
        if fileno is not None:
            super().__init__(family, type, proto, fileno)
            return
        family = socket.AF_INET if family == -1 else family
        type = socket.SOCK_STREAM if type == -1 else type
        proto = 0 if proto == -1 else proto
        _recorded(
            "socket", -1, (int(family), int(type), int(proto), 0),
            lambda call: _real.__init__(self, family, type, proto),
            lambda _: self.fileno(),
        )  # fmt: skip

    # --- set-up -----------------------------------------------------------

    def bind(self, address: Any) -> None:
        def action(call: Call) -> None:
            call.payload = _address_bytes(self.family, address)
            _real.bind(self, address)

        _recorded("bind", self.fileno(), (), action)

    def listen(self, *backlog: int) -> None:
        args = backlog if backlog and isinstance(backlog[0], int) else (128,)
        _recorded("listen", self.fileno(), args, lambda call: _real.listen(self, *backlog))

    def accept(self) -> tuple[socket.socket, Any]:
        def action(call: Call) -> tuple[socket.socket, Any]:
            connection, address = _real.accept(self)
            call.payload = _address_bytes(self.family, address)
            return connection, address

        return _recorded("accept", self.fileno(), (), action, lambda result: result[0].fileno())

    def connect(self, address: Any) -> None:
        def action(call: Call) -> None:
            target = _scripted_target(self.family, address)
            call.payload = _address_bytes(self.family, target)
            _real.connect(self, target)

        _recorded("connect", self.fileno(), (), action)

    def connect_ex(self, address: Any) -> int:
        call = _enter("connect", self.fileno())
        try:
            call.answer()
            target = _scripted_target(self.family, address)
            call.payload = _address_bytes(self.family, target)
            error = _real.connect_ex(self, target)
        except OSError as exception:
            if not call.fault:
                _done(call, -1, error_of(exception))
                raise
            error = exception.errno
        _done(call, -1 if error else 0, error)
        return error

    def setsockopt(self, level: int, name: int, *value: Any) -> None:
        first = value[0] if value and isinstance(value[0], int) else 0
        _recorded(
            "setsockopt", self.fileno(), (level, name, int(first), 4),
            lambda call: _real.setsockopt(self, level, name, *value),
        )  # fmt: skip

    def getsockopt(self, level: int, name: int, *size: int) -> Any:
        def action(call: Call) -> Any:
            result = _real.getsockopt(self, level, name, *size)
            if call.fault and call.fault.kinds & layout.POKE:
                poke = call.fault.poke
                result = poke + result[len(poke) :] if size else int.from_bytes(poke, "little", signed=True)
            call.payload = result if size else struct.pack("=i", result)
            return result

        return _recorded("getsockopt", self.fileno(), (level, name, size[0] if size else 4), action)

    def getsockname(self) -> Any:
        return _recorded("getsockname", self.fileno(), (), lambda call: _real.getsockname(self))

    def getpeername(self) -> Any:
        return _recorded("getpeername", self.fileno(), (), lambda call: _real.getpeername(self))

    def settimeout(self, value: float | None) -> None:
        # Recorded as the receive timeout that C would set; level -1 tells them apart.
        limit = 0 if value is None else int(value * 1000)
        _done(_enter("setsockopt", self.fileno(), -1, socket.SO_RCVTIMEO, limit))
        _real.settimeout(self, value)

    def setblocking(self, flag: bool) -> None:
        self.settimeout(None if flag else 0.0)

    # --- sending ----------------------------------------------------------

    def send(self, data: Any, flags: int = 0) -> int:
        def action(call: Call) -> int:
            sent = _real.send(self, self._allowed(call, view), flags)
            call.payload = bytes(view[: min(sent, layout.PAYLOAD_SIZE)])
            return sent

        view = _view(data)
        return _recorded("send", self.fileno(), (len(view), flags), action, int)

    def sendall(self, data: Any, flags: int = 0) -> None:
        def action(call: Call) -> None:
            _real.sendall(self, view, flags)
            call.payload = bytes(view[: layout.PAYLOAD_SIZE])

        view = _view(data)
        _recorded("sendall", self.fileno(), (len(view), flags), action, lambda _: len(view))

    def sendto(self, data: Any, *rest: Any) -> int:
        def action(call: Call) -> int:
            sent = _real.sendto(self, self._allowed(call, view), *rest)
            call.payload = bytes(view[: min(sent, layout.PAYLOAD_SIZE)])
            return sent

        view = _view(data)
        return _recorded("sendto", self.fileno(), (len(view),), action, int)

    def sendmsg(self, buffers: Any, *rest: Any) -> int:
        def action(call: Call) -> int:
            data = b"".join(parts)
            allowed = self._allowed(call, memoryview(data))
            sent = _real.sendmsg(self, parts if len(allowed) == len(data) else [allowed], *rest)
            call.payload = data[: min(sent, layout.PAYLOAD_SIZE)]
            return sent

        parts = list(buffers)
        return _recorded("sendmsg", self.fileno(), (sum(map(len, parts)),), action, int)

    def sendfile(self, file: Any, *rest: Any) -> int:
        return _recorded("sendfile", self.fileno(), (), lambda call: _real.sendfile(self, file, *rest), int)

    def _allowed(self, call: Call, view: memoryview) -> memoryview:
        if self.type & 0xF != socket.SOCK_STREAM:
            return view
        return view[: call.limit(len(view))]

    # --- receiving --------------------------------------------------------

    def recv(self, size: int, flags: int = 0) -> bytes:
        def action(call: Call) -> bytes:
            call.payload = data = _real.recv(self, self._asked(call, size), flags)
            return data

        return _recorded("recv", self.fileno(), (size, flags), action, len)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        size = nbytes or memoryview(buffer).nbytes

        def action(call: Call) -> int:
            got = _real.recv_into(self, buffer, self._asked(call, size), flags)
            call.payload = bytes(_view(buffer)[: min(got, layout.PAYLOAD_SIZE)])
            return got

        return _recorded("recv", self.fileno(), (size, flags), action, int)

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        def action(call: Call) -> tuple[bytes, Any]:
            data, address = _real.recvfrom(self, self._asked(call, size), flags)
            call.payload = data
            return data, address

        return _recorded("recvfrom", self.fileno(), (size, flags), action, lambda r: len(r[0]))

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        size = nbytes or memoryview(buffer).nbytes

        def action(call: Call) -> tuple[int, Any]:
            got, address = _real.recvfrom_into(self, buffer, self._asked(call, size), flags)
            call.payload = bytes(_view(buffer)[: min(got, layout.PAYLOAD_SIZE)])
            return got, address

        return _recorded("recvfrom", self.fileno(), (size, flags), action, lambda r: r[0])

    def recvmsg(self, size: int, *rest: int) -> tuple[bytes, list, int, Any]:
        def action(call: Call) -> tuple[bytes, list, int, Any]:
            result = _real.recvmsg(self, self._asked(call, size), *rest)
            call.payload = result[0]
            return result

        return _recorded("recvmsg", self.fileno(), (size,), action, lambda r: len(r[0]))

    def _asked(self, call: Call, size: int) -> int:
        return call.limit(size) if self.type & 0xF == socket.SOCK_STREAM else size

    # --- the end ----------------------------------------------------------

    def shutdown(self, how: int) -> None:
        _recorded("shutdown", self.fileno(), (how,), lambda call: _real.shutdown(self, how))

    def close(self) -> None:
        if self.fileno() == -1:  # a second close does nothing, and is noted
            _done(_enter("close", -1))
        _real.close(self)

    def _real_close(self, *args: Any) -> None:
        fd = self.fileno()
        if fd != -1:
            _recorded("close", fd, (), lambda call: _real._real_close(self, *args))

    def detach(self) -> int:
        return _real.detach(self)

    def __del__(self) -> None:
        # An open socket that nobody refers to any more: CPython closes it
        # (with a ResourceWarning), another interpreter some time later.
        if not self._released and self.fileno() != -1 and _recorder is not None:
            _done(_enter("abandon", self.fileno()))
            _real._real_close(self)

    def release(self) -> None:
        """The runner is done with this socket: its end is no call of the learner's."""
        self._released = True


TracedSocket.__name__ = TracedSocket.__qualname__ = "socket"
TracedSocket.__module__ = "socket"


def _view(data: Any) -> memoryview:
    return memoryview(data).cast("B")


def _scripted_target(family: int, address: Any) -> Any:
    """connect() resolves names inside the interpreter: to the first address."""
    if family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and address:
        for text in _recorder.scripted_addresses(address[0]):
            if (":" in text) == (family == socket.AF_INET6):
                return (text, *address[1:])
    return address


def _getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> list:
    def action(call: Call) -> list:
        name = host.decode() if isinstance(host, bytes) else host
        service = port.decode() if isinstance(port, bytes) else port
        call.payload = f"{name or ''}\0{'' if service is None else service}".encode()
        if call.fault and call.fault.kinds & layout.RETVAL:
            raise socket.gaierror(call.fault.retval, "injected")
        addresses = _recorder.scripted_addresses(name)
        if not addresses:
            return _real_getaddrinfo(host, port, family, type, proto, flags)
        found, error = [], socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        numeric = (flags | socket.AI_NUMERICHOST) & ~socket.AI_ADDRCONFIG
        for address in addresses:
            try:
                found += _real_getaddrinfo(address, port, family, type, proto, numeric)
            except socket.gaierror as e:
                if e.errno == socket.EAI_SERVICE:
                    error = e
        if not found:
            raise error
        return found

    call = _enter("getaddrinfo", -1, int(family), int(type), int(flags))
    try:
        call.answer()
        result = action(call)
    except socket.gaierror as exception:
        _done(call, exception.errno or -1)
        raise
    except BaseException as exception:
        _done(call, -1, error_of(exception))
        raise
    _done(call, 0)
    return result


def _gethostbyname(name: str) -> str:
    def action(call: Call) -> str:
        call.payload = str(name).encode()
        addresses = _recorder.scripted_addresses(name)
        return next((a for a in addresses if ":" not in a), None) or _real_gethostbyname(name)

    return _recorded("gethostbyname", -1, (), action)


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
    return _recorded("read", fd, (size,), action, len)


def _os_write(fd: int, data: Any) -> int:
    def action(call: Call) -> int:
        sent = _real_write(fd, view[: call.limit(len(view))])
        call.payload = bytes(view[: min(sent, layout.PAYLOAD_SIZE)])
        return sent

    if not _is_socket(fd):
        return _real_write(fd, data)
    view = _view(data)
    return _recorded("write", fd, (len(view),), action, int)


def _os_close(fd: int) -> None:
    _recorded("close", fd, (), lambda call: _real_close(fd))


def _os_dup(fd: int) -> int:
    return _recorded("dup", fd, (), lambda call: _real_dup(fd), int)


def _os_fork() -> int:
    call = _enter("fork", -1)
    try:
        call.answer()
        if _recorder.add("forks") > _recorder.field("fork_limit"):
            raise BlockingIOError(errnos.EAGAIN, os.strerror(errnos.EAGAIN))
        pid = _real_fork()
    except OSError as exception:
        _done(call, -1, error_of(exception))
        raise
    if pid:
        _done(call, pid)
    return pid


def _os_exit(status: int) -> None:
    _enter("exit", -1, int(status))
    _real_exit(status)


def _select(readable: Any, writable: Any, exceptional: Any, timeout: float | None = None) -> tuple:
    limit = -1 if timeout is None else int(timeout * 1000)
    return _recorded(
        "select", -1, (0, limit),
        lambda call: _real_select(readable, writable, exceptional, timeout),
        lambda result: sum(map(len, result)),
    )  # fmt: skip


class _Waiter:
    """A poll or epoll object whose waits are in the trace."""

    _kind = ""

    def __init__(self, *args: Any) -> None:
        self._real = self._make(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def _wait(self, limit: int, *args: Any) -> list:
        return _recorded(self._kind, -1, (0, limit), lambda call: self._real.poll(*args), len)


class _Poll(_Waiter):
    _kind, _make = "poll", staticmethod(select.poll)

    def poll(self, timeout: float | None = None) -> list:
        limit = -1 if timeout is None or timeout < 0 else int(timeout)
        return self._wait(limit, timeout)


class _Epoll(_Waiter):
    _kind, _make = "epoll_wait", staticmethod(select.epoll)

    def __enter__(self) -> _Epoll:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list:
        limit = -1 if timeout is None or timeout < 0 else int(timeout * 1000)
        return self._wait(limit, timeout, maxevents)


def install(recorder: Recorder) -> None:
    """Start tracing in this process; cannot be taken back."""
    global _recorder
    _recorder = recorder
    socket.socket = socket.SocketType = TracedSocket
    socket.getaddrinfo = _getaddrinfo
    socket.gethostbyname = _gethostbyname
    for name, wrapper in {
        "read": _os_read,
        "write": _os_write,
        "close": _os_close,
        "dup": _os_dup,
        "fork": _os_fork,
        "_exit": _os_exit,
    }.items():
        setattr(os, name, wrapper)
    select.select, select.poll, select.epoll = _select, _Poll, _Epoll
    # selectors took its references when the launcher imported it
    selectors.PollSelector._selector_cls = _Poll
    selectors.EpollSelector._selector_cls = _Epoll
    selectors.SelectSelector._select = staticmethod(_select)
    # socket.socketpair and socket.fromfd look the class up when they are called


_real_getaddrinfo = socket.getaddrinfo
_real_gethostbyname = socket.gethostbyname
_real_read, _real_write, _real_close, _real_dup = os.read, os.write, os.close, os.dup
_real_fork, _real_exit, _real_select = os.fork, os._exit, select.select
