"""The half of `TracedSocket` that moves bytes: the twin of ``wrap_streams.c`` and
``wrap_messages.c``."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Any

from grader.trace import layout
from grader.trace.decoded import CONTROL_HEAD
from grader.trace.python import held_clock
from grader.trace.python.call import Call
from grader.trace.python.recorded import address_bytes, recorded, recorder, view_of

_real = socket.socket


class MovingSocket(_real):
    """``socket.socket`` with every call that moves bytes written to the trace."""

    __slots__ = ()

    # --- sending ----------------------------------------------------------

    def send(self, data: Any, flags: int = 0) -> int:
        def action(call: Call) -> int:
            sent = self._send(call, flags, lambda flags: _real.send(self, self._allowed(call, view), flags))
            call.payload = bytes(view[: min(sent, layout.PAYLOAD_SIZE)])
            return sent

        with view_of(data) as view:
            return recorded("send", self.fileno(), (len(view), flags), action, int, patience=self._patience(flags))

    def sendall(self, data: Any, flags: int = 0) -> None:
        def action(call: Call) -> None:
            self._await(call, select.POLLOUT, flags)
            _real.sendall(self, view, flags)
            call.payload = bytes(view[: layout.PAYLOAD_SIZE])

        with view_of(data) as view:
            recorded("sendall", self.fileno(), (len(view), flags), action, lambda _: len(view))

    def sendto(self, data: Any, *rest: Any) -> int:
        def action(call: Call) -> int:
            if not isinstance(flags, int) or target is None:
                return _real.sendto(self, view, *rest)  # which says what is wrong with them
            sent = self._send(call, flags, lambda flags: _real.sendto(self, self._allowed(call, view), flags, target))
            call.payload = bytes(view[: min(sent, layout.PAYLOAD_SIZE)])
            return sent

        target = scripted_target(self.family, rest[-1] if rest else None)
        flags = rest[0] if len(rest) > 1 else 0
        number = flags if isinstance(flags, int) else 0
        with view_of(data) as view:
            return recorded(
                "sendto", self.fileno(), (len(view), number), action, int,
                patience=self._patience(number), address=address_bytes(self.family, target),
            )  # fmt: skip

    def sendmsg(self, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None) -> int:
        def action(call: Call) -> int:
            allowed = self._allowed(call, memoryview(data))
            pieces = parts if len(allowed) == len(data) else [allowed]
            sent = self._send(call, flags, lambda flags: _real.sendmsg(self, pieces, control, flags, target))
            call.payload = data[: min(sent, layout.PAYLOAD_SIZE)]
            return sent

        parts, control = list(buffers), list(ancdata)
        data, target = b"".join(map(bytes, map(view_of, parts))), scripted_target(self.family, address)
        packed = _control_bytes(control)
        return recorded(
            "sendmsg", self.fileno(), (len(data), flags, 0, len(packed)), action, int,
            patience=self._patience(flags), address=address_bytes(self.family, target), control=packed,
        )  # fmt: skip

    def _send(self, call: Call, flags: int, send: Callable[[int], int]) -> int:
        """Send, on the held clock where the script holds it.

        Args:
            send: the real call, which takes its flags.
        """
        is_unix_datagram = self.family == socket.AF_UNIX and self.type & 0xF != socket.SOCK_STREAM
        if is_unix_datagram and held_clock.is_held() and not flags & socket.MSG_DONTWAIT:
            return held_clock.attempt(call, self, lambda: send(flags | socket.MSG_DONTWAIT))
        self._await(call, select.POLLOUT, flags)
        return send(flags)

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
            call.payload = data = call.poked(_real.recv(self, self._asked(call, size), flags))
            return data

        return recorded("recv", self.fileno(), (size, flags), action, len, patience=self._patience(flags))

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        size = nbytes or memoryview(buffer).nbytes

        def action(call: Call) -> int:
            self._await(call, select.POLLIN, flags)
            got = _real.recv_into(self, buffer, self._asked(call, size), flags)
            call.payload = _received(call, buffer, got)
            return got

        return recorded("recv", self.fileno(), (size, flags), action, int, patience=self._patience(flags))

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        def action(call: Call) -> tuple[bytes, Any]:
            self._await(call, select.POLLIN, flags)
            data, address = _real.recvfrom(self, self._asked(call, size), flags)
            call.payload, call.address = call.poked(data), address_bytes(self.family, address)
            return call.payload, address

        return recorded(
            "recvfrom", self.fileno(), (size, flags), action, lambda r: len(r[0]),
            patience=self._patience(flags),
        )  # fmt: skip

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        size = nbytes or memoryview(buffer).nbytes

        def action(call: Call) -> tuple[int, Any]:
            self._await(call, select.POLLIN, flags)
            got, address = _real.recvfrom_into(self, buffer, self._asked(call, size), flags)
            call.payload, call.address = _received(call, buffer, got), address_bytes(self.family, address)
            return got, address

        return recorded(
            "recvfrom", self.fileno(), (size, flags), action, lambda r: r[0],
            patience=self._patience(flags),
        )  # fmt: skip

    def recvmsg(self, size: int, room: int = 0, flags: int = 0) -> tuple[bytes, list, int, Any]:
        return self._recvmsg(size, room, flags, lambda data: data, len)

    def recvmsg_into(self, buffers: Any, room: int = 0, flags: int = 0) -> tuple[int, list, int, Any]:
        def scatter(data: bytes) -> int:
            left = data
            for part in parts:
                part[: len(left[: len(part)])] = left[: len(part)]
                left = left[len(part) :]
            return len(data)

        parts = [view_of(part) for part in buffers]
        return self._recvmsg(sum(map(len, parts)), room, flags, scatter, int)

    def _recvmsg(self, size: int, room: int, flags: int, given: Callable, length: Callable) -> tuple:
        """Receive a message.

        Args:
            room: for control messages.
            given: turns the data into what the caller gets.
            length: turns that into the number of bytes received.
        """

        def action(call: Call) -> tuple:
            self._await(call, select.POLLIN, flags)
            data, control, received, address = _real.recvmsg(self, self._asked(call, size), room, flags)
            call.payload, call.address = call.poked(data), address_bytes(self.family, address)
            call.control, call.args = _control_bytes(control), (size, flags, received, room)
            return given(call.payload), control, received, address

        return recorded(
            "recvmsg", self.fileno(), (size, flags, 0, room), action, lambda result: length(result[0]),
            patience=self._patience(flags),
        )  # fmt: skip

    def _asked(self, call: Call, size: int) -> int:
        return call.limit(size) if self.type & 0xF == socket.SOCK_STREAM else size

    def _await(self, call: Call, events: int, flags: int) -> None:
        """Wait on a held clock until the real call would not block."""
        if not flags & socket.MSG_DONTWAIT:
            held_clock.await_ready(call, self, events)

    def _patience(self, flags: int) -> float | None:
        return 0 if flags & socket.MSG_DONTWAIT else self.gettimeout()


def _control_bytes(messages: list) -> bytes:
    """Control messages as records have them: level, type, length, data of each."""
    packed = ((level, kind, bytes(view_of(data))) for level, kind, data in messages)
    return b"".join(CONTROL_HEAD.pack(level, kind, len(data)) + data for level, kind, data in packed)


def _received(call: Call, buffer: Any, size: int) -> bytes:
    """The first bytes that a call has put into a buffer, or what the plan has them be."""
    with view_of(buffer) as view:
        kept = min(size, len(view), layout.PAYLOAD_SIZE)
        view[:kept] = data = call.poked(bytes(view[:kept]))
    return data


def scripted_target(family: int, address: Any) -> Any:
    """connect() and sendto() resolve names inside the interpreter: to the first address."""
    if family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and address:
        for text in recorder().scripted_addresses(address[0]):
            if (":" in text) == (family == socket.AF_INET6):
                return (text, *address[1:])
    return address
