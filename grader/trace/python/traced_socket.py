"""``socket.socket`` with every call written to the trace."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
from typing import Any

from grader.trace import layout
from grader.trace.python import held_clock, states
from grader.trace.python.recorded import address_bytes, done, enter, is_recording, recorded, recorder, view_of
from grader.trace.python.recorder import Call, error_of

_real = socket.socket
#: The least backlog: a client that finds one full tries again a second later, and no
#: script can wait for that; the contracts leave its length open.
_BACKLOG = 128
_NO_LIMIT = 0x7FFFFFFF


class TracedSocket(_real):
    """``socket.socket`` with every call written to the trace."""

    __slots__ = ("_released",)

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        self._released = False
        if fileno is not None:
            super().__init__(family, type, proto, fileno)
            states.note(self)
            return
        family = socket.AF_INET if family == -1 else family
        type = socket.SOCK_STREAM if type == -1 else type
        proto = 0 if proto == -1 else proto
        recorded(
            "socket", -1, (int(family), int(type), int(proto), 0),
            lambda call: _real.__init__(self, family, type, proto),
            lambda _: self.fileno(),
        )  # fmt: skip
        states.note(self)

    # --- set-up -----------------------------------------------------------

    def bind(self, address: Any) -> None:
        def action(call: Call) -> None:
            call.payload = address_bytes(self.family, address)
            _real.bind(self, address)

        recorded("bind", self.fileno(), (), action)

    def listen(self, *backlog: int) -> None:
        args = backlog if backlog and isinstance(backlog[0], int) else (128,)

        def action(call: Call) -> None:
            room = call.limit(_NO_LIMIT)
            if room != _NO_LIMIT:  # its connections inherit it: socket(7)
                _real.setsockopt(self, socket.SOL_SOCKET, socket.SO_SNDBUF, room)
            _real.listen(self, *(max(n, _BACKLOG) if isinstance(n, int) else n for n in backlog))
            states.listens(self.fileno())

        recorded("listen", self.fileno(), args, action)

    def accept(self) -> tuple[socket.socket, Any]:
        def action(call: Call) -> tuple[socket.socket, Any]:
            held_clock.await_ready(call, self, select.POLLIN)
            connection, address = _real.accept(self)
            call.payload = address_bytes(self.family, address)
            return connection, address

        return recorded("accept", self.fileno(), (), action, lambda result: result[0].fileno())

    def connect(self, address: Any) -> None:
        def action(call: Call) -> None:
            if not held_clock.is_held():
                _real.connect(self, target)
            elif error := held_clock.connect(call, self, target):
                raise OSError(error, os.strerror(error))

        target = scripted_target(self.family, address)
        recorded("connect", self.fileno(), (), action, payload=address_bytes(self.family, target))

    def connect_ex(self, address: Any) -> int:
        target = scripted_target(self.family, address)
        call = enter("connect", self.fileno())
        call.payload = address_bytes(self.family, target)
        try:
            call.answer()
            error = self._connect_ex(call, target)
        except OSError as exception:
            if not call.fault:
                done(call, -1, error_of(exception))
                raise
            error = exception.errno
        error = call.becomes(error)
        done(call, -1 if error else 0, error)
        return error

    def _connect_ex(self, call: Call, target: Any) -> int:
        if not held_clock.is_held():
            return _real.connect_ex(self, target)
        try:
            return held_clock.connect(call, self, target)
        except TimeoutError:
            return errno.EAGAIN  # what connect_ex() says of its time limit

    def setsockopt(self, level: int, name: int, *value: Any) -> None:
        first = value[0] if value and isinstance(value[0], int) else 0
        limits = (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO)
        if name in limits and value and isinstance(value[0], bytes) and len(value[0]) == 16:
            seconds, micros = struct.unpack("ll", value[0])
            first = seconds * 1000 + -(-micros // 1000)
        recorded(
            "setsockopt", self.fileno(), (level, name, int(first), 4),
            lambda call: _real.setsockopt(self, level, name, *value),
        )  # fmt: skip

    def getsockopt(self, level: int, name: int, *size: int) -> Any:
        def action(call: Call) -> Any:
            result = _real.getsockopt(self, level, name, *size)
            if call.fault and call.fault.kinds & layout.POKE:
                poke = call.fault.poke
                result = poke + result[len(poke) :] if size else int.from_bytes(poke, "little", signed=True)
            if (level, name) == (socket.SOL_SOCKET, socket.SO_ERROR) and not size:
                result = call.becomes(result)
            call.payload = result if size else struct.pack("=i", result)
            return result

        return recorded("getsockopt", self.fileno(), (level, name, size[0] if size else 4), action)

    def getsockname(self) -> Any:
        return recorded("getsockname", self.fileno(), (), lambda call: self._address(call, _real.getsockname(self)))

    def getpeername(self) -> Any:
        return recorded("getpeername", self.fileno(), (), lambda call: self._address(call, _real.getpeername(self)))

    def _address(self, call: Call, address: Any) -> Any:
        call.payload = address_bytes(self.family, address)
        return address

    def settimeout(self, value: float | None) -> None:
        # Recorded as the receive timeout that C would set; level -1 tells them apart.
        # The last argument says whether the socket blocks without limit.
        limit = 0 if value is None else int(value * 1000)
        done(enter("setsockopt", self.fileno(), -1, socket.SO_RCVTIMEO, limit, value is None))
        _real.settimeout(self, value)

    def setblocking(self, flag: bool) -> None:
        self.settimeout(None if flag else 0.0)

    # --- sending ----------------------------------------------------------

    def send(self, data: Any, flags: int = 0) -> int:
        def action(call: Call) -> int:
            self._await(call, select.POLLOUT, flags)
            sent = _real.send(self, self._allowed(call, view), flags)
            call.payload = bytes(view[: min(sent, layout.PAYLOAD_SIZE)])
            return sent

        with view_of(data) as view:
            return recorded(
                "send", self.fileno(), (len(view), flags), action, int, non_blocking=self._asks_not_to_block(flags)
            )

    def sendall(self, data: Any, flags: int = 0) -> None:
        def action(call: Call) -> None:
            self._await(call, select.POLLOUT, flags)
            _real.sendall(self, view, flags)
            call.payload = bytes(view[: layout.PAYLOAD_SIZE])

        with view_of(data) as view:
            recorded("sendall", self.fileno(), (len(view), flags), action, lambda _: len(view))

    def sendto(self, data: Any, *rest: Any) -> int:
        def action(call: Call) -> int:
            self._await(call, select.POLLOUT, rest[0] if len(rest) > 1 else 0)
            sent = _real.sendto(self, self._allowed(call, view), *rest)
            call.payload = bytes(view[: min(sent, layout.PAYLOAD_SIZE)])
            return sent

        with view_of(data) as view:
            return recorded("sendto", self.fileno(), (len(view),), action, int)

    def sendmsg(self, buffers: Any, *rest: Any) -> int:
        def action(call: Call) -> int:
            data = b"".join(parts)
            allowed = self._allowed(call, memoryview(data))
            self._await(call, select.POLLOUT, rest[1] if len(rest) > 1 else 0)
            sent = _real.sendmsg(self, parts if len(allowed) == len(data) else [allowed], *rest)
            call.payload = data[: min(sent, layout.PAYLOAD_SIZE)]
            return sent

        parts = list(buffers)
        return recorded("sendmsg", self.fileno(), (sum(map(len, parts)),), action, int)

    def sendfile(self, file: Any, *rest: Any) -> int:
        return recorded("sendfile", self.fileno(), (), lambda call: _real.sendfile(self, file, *rest), int)

    def _allowed(self, call: Call, view: memoryview) -> memoryview:
        if self.type & 0xF != socket.SOCK_STREAM:
            return view
        return view[: call.limit(len(view))]

    # --- receiving --------------------------------------------------------

    def recv(self, size: int, flags: int = 0) -> bytes:
        def action(call: Call) -> bytes:
            self._await(call, select.POLLIN, flags)
            call.payload = data = _real.recv(self, self._asked(call, size), flags)
            return data

        return recorded("recv", self.fileno(), (size, flags), action, len, non_blocking=self._asks_not_to_block(flags))

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        size = nbytes or memoryview(buffer).nbytes

        def action(call: Call) -> int:
            self._await(call, select.POLLIN, flags)
            got = _real.recv_into(self, buffer, self._asked(call, size), flags)
            call.payload = bytes(view_of(buffer)[: min(got, layout.PAYLOAD_SIZE)])
            return got

        return recorded("recv", self.fileno(), (size, flags), action, int)

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        def action(call: Call) -> tuple[bytes, Any]:
            self._await(call, select.POLLIN, flags)
            data, address = _real.recvfrom(self, self._asked(call, size), flags)
            call.payload = data
            return data, address

        return recorded("recvfrom", self.fileno(), (size, flags), action, lambda r: len(r[0]))

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        size = nbytes or memoryview(buffer).nbytes

        def action(call: Call) -> tuple[int, Any]:
            self._await(call, select.POLLIN, flags)
            got, address = _real.recvfrom_into(self, buffer, self._asked(call, size), flags)
            call.payload = bytes(view_of(buffer)[: min(got, layout.PAYLOAD_SIZE)])
            return got, address

        return recorded("recvfrom", self.fileno(), (size, flags), action, lambda r: r[0])

    def recvmsg(self, size: int, *rest: int) -> tuple[bytes, list, int, Any]:
        def action(call: Call) -> tuple[bytes, list, int, Any]:
            self._await(call, select.POLLIN, rest[1] if len(rest) > 1 else 0)
            result = _real.recvmsg(self, self._asked(call, size), *rest)
            call.payload = result[0]
            return result

        return recorded("recvmsg", self.fileno(), (size, *rest[1:]), action, lambda r: len(r[0]))

    def _asked(self, call: Call, size: int) -> int:
        return call.limit(size) if self.type & 0xF == socket.SOCK_STREAM else size

    def recvmsg_into(self, buffers: Any, *rest: int) -> tuple[int, list, int, Any]:
        parts = [memoryview(part).cast("B") for part in buffers]
        size = sum(map(len, parts))

        def action(call: Call) -> tuple[int, list, int, Any]:
            self._await(call, select.POLLIN, rest[1] if len(rest) > 1 else 0)
            data, *others = _real.recvmsg(self, self._asked(call, size), *rest)
            call.payload, left = data, data
            for part in parts:
                part[: len(left[: len(part)])] = left[: len(part)]
                left = left[len(part) :]
            return len(data), *others

        return recorded("recvmsg", self.fileno(), (size, *rest[1:]), action, lambda r: r[0])

    def _await(self, call: Call, events: int, flags: int) -> None:
        """Wait on a held clock until the real call would not block."""
        if not flags & socket.MSG_DONTWAIT:
            held_clock.await_ready(call, self, events)

    def _asks_not_to_block(self, flags: int) -> bool:
        return bool(flags & socket.MSG_DONTWAIT) or self.gettimeout() is not None

    # --- the end ----------------------------------------------------------

    def shutdown(self, how: int) -> None:
        recorded("shutdown", self.fileno(), (how,), lambda call: _real.shutdown(self, how))

    def close(self) -> None:
        if self.fileno() == -1:  # a second close does nothing, and is noted
            done(enter("close", -1))
        _real.close(self)

    def _real_close(self, *args: Any) -> None:
        fd = self.fileno()
        if fd == -1:
            return
        call = enter("close", fd)
        try:
            _real._real_close(self, *args)  # Linux closes even when it reports an error
            call.answer()
        except OSError as exception:
            done(call, -1, error_of(exception))
            raise
        done(call)

    def dup(self) -> socket.socket:
        return recorded("dup", self.fileno(), (), lambda call: _real.dup(self), lambda copy: copy.fileno())

    def detach(self) -> int:
        return _real.detach(self)

    def __del__(self) -> None:
        # An open socket that nobody refers to any more: CPython closes it
        # (with a ResourceWarning), another interpreter some time later.
        if not self._released and self.fileno() != -1 and is_recording():
            done(enter("abandon", self.fileno()))
            _real._real_close(self)

    def release(self) -> None:
        """This socket is lent: it is not the program's to keep or to lose."""
        self._released = True


TracedSocket.__name__ = TracedSocket.__qualname__ = "socket"
TracedSocket.__module__ = "socket"


def scripted_target(family: int, address: Any) -> Any:
    """connect() resolves names inside the interpreter: to the first address."""
    if family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and address:
        for text in recorder().scripted_addresses(address[0]):
            if (":" in text) == (family == socket.AF_INET6):
                return (text, *address[1:])
    return address
