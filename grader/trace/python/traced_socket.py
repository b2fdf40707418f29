"""``socket.socket`` with every call written to the trace."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import sys
from typing import Any

from grader.trace.python import held_clock, states
from grader.trace.python.call import Call
from grader.trace.python.moving_socket import MovingSocket, scripted_target
from grader.trace.python.recorded import address_bytes, done, enter, is_recording, recorded, recorder
from grader.trace.python.recorder import error_of

_real = socket.socket
#: The least backlog: a client that finds one full tries again a second later, and no
#: script can wait for that; the contracts leave its length open.
_BACKLOG = 128
_NO_LIMIT = 0x7FFFFFFF


class TracedSocket(MovingSocket):
    """``socket.socket`` with every call written to the trace."""

    __slots__ = ("_released",)
    _send_buffer = 0  # of connections, where the plan limits it

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
        recorded(
            "bind", self.fileno(), (), lambda call: _real.bind(self, address),
            address=address_bytes(self.family, address),
        )  # fmt: skip

    def listen(self, *backlog: int) -> None:
        args = backlog if backlog and isinstance(backlog[0], int) else (128,)

        def action(call: Call) -> None:
            room = call.limit(_NO_LIMIT)
            TracedSocket._send_buffer = room if room != _NO_LIMIT else 0
            if self._send_buffer:  # its connections inherit it: socket(7)
                _real.setsockopt(self, socket.SOL_SOCKET, socket.SO_SNDBUF, room)
            _real.listen(self, *(max(n, _BACKLOG) if isinstance(n, int) else n for n in backlog))
            states.listens(self.fileno())

        recorded("listen", self.fileno(), args, action)

    def accept(self) -> tuple[socket.socket, Any]:
        def action(call: Call) -> tuple[socket.socket, Any]:
            held_clock.await_ready(call, self, select.POLLIN)
            connection, address = _real.accept(self)
            if self._send_buffer:  # but for those of Unix
                _real.setsockopt(connection, socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)
            call.address = address_bytes(self.family, address)
            return connection, address

        return recorded("accept", self.fileno(), (), action, lambda result: result[0].fileno())

    def connect(self, address: Any) -> None:
        def action(call: Call) -> None:
            if not held_clock.is_held():
                _real.connect(self, target)
            elif error := held_clock.connect(call, self, target):
                raise OSError(error, os.strerror(error))

        target = scripted_target(self.family, address)
        recorded("connect", self.fileno(), (), action, address=address_bytes(self.family, target))

    def connect_ex(self, address: Any) -> int:
        target = scripted_target(self.family, address)
        call = enter("connect", self.fileno())
        call.address = address_bytes(self.family, target)
        recorder().keep(call)
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
        data = _option_bytes(value[0] if value else b"")
        first = int.from_bytes(data[:4], sys.byteorder, signed=True)
        if level == socket.SOL_SOCKET and name in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO) and len(data) == 16:
            seconds, micros = struct.unpack("ll", data)
            first = seconds * 1000 + -(-micros // 1000)
        recorded(
            "setsockopt", self.fileno(), (level, name, first, len(data)),
            lambda call: _real.setsockopt(self, level, name, *value), payload=data,
        )  # fmt: skip

    def getsockopt(self, level: int, name: int, *size: int) -> Any:
        def action(call: Call) -> Any:
            result = _real.getsockopt(self, level, name, *size)
            data = call.poked(_option_bytes(result))
            result = data if size else int.from_bytes(data, sys.byteorder, signed=True)
            if (level, name) == (socket.SOL_SOCKET, socket.SO_ERROR) and not size:
                result = call.becomes(result)
            call.payload = _option_bytes(result)
            return result

        return recorded("getsockopt", self.fileno(), (level, name, size[0] if size else 4), action)

    def getsockname(self) -> Any:
        return recorded("getsockname", self.fileno(), (), lambda call: self._address(call, _real.getsockname(self)))

    def getpeername(self) -> Any:
        return recorded("getpeername", self.fileno(), (), lambda call: self._address(call, _real.getpeername(self)))

    def _address(self, call: Call, address: Any) -> Any:
        call.address = address_bytes(self.family, address)
        return address

    def settimeout(self, value: float | None) -> None:
        # Recorded as the receive timeout that C would set; level -1 tells them apart.
        # The last argument says whether the socket blocks without limit.
        limit = 0 if value is None else int(value * 1000)
        done(enter("setsockopt", self.fileno(), -1, socket.SO_RCVTIMEO, limit, value is None))
        _real.settimeout(self, value)

    def setblocking(self, flag: bool) -> None:
        self.settimeout(None if flag else 0.0)

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


def _option_bytes(value: Any) -> bytes:
    """An option's value as the kernel has it."""
    try:
        return value.to_bytes(4, sys.byteorder, signed=True) if isinstance(value, int) else bytes(value)
    except (OverflowError, TypeError):
        return b""  # the real call says what is wrong with it


TracedSocket.__name__ = TracedSocket.__qualname__ = "socket"
TracedSocket.__module__ = "socket"
