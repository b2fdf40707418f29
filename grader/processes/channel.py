"""Messages and descriptors between two processes.

A message is a JSON value, framed by its length; bytes travel as
``{"bytes": base64}``.  Nothing is ever unpickled, and a message of an untrusted
process is parsed within fixed limits.
"""

from __future__ import annotations

import base64
import json
import struct
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET

# The C base class: a learner's process replaces socket.socket by its tracer.
from _socket import socket as _Socket  # noqa: N812
from array import array
from collections import deque
from typing import Any

#: A longer message is refused (bytes).
MESSAGE_LIMIT = 32 << 20
_LENGTH = struct.Struct("!I")
_FDS_LIMIT = 16


class ChannelError(Exception):
    """The other end sent something that is no message."""


def _encode(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": base64.b64encode(value).decode("ascii")}
    raise TypeError(f"cannot send a {type(value).__name__}")


def _decode(value: dict) -> Any:
    if len(value) == 1 and isinstance(value.get("bytes"), str):
        return base64.b64decode(value["bytes"], validate=True)
    return value


class Channel:
    """One end of a Unix stream socket that carries messages.

    Args:
        fd: the descriptor of a connected Unix stream socket; owned from now on.
    """

    def __init__(self, fd: int) -> None:
        self._socket = _Socket(AF_UNIX, SOCK_STREAM, 0, fd)
        self._buffer = bytearray()
        self._messages: deque[Any] = deque()
        self._fds: deque[int] = deque()
        self.closed = False

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self.closed = True
        self._socket.close()

    def send(self, message: Any, fds: tuple[int, ...] = ()) -> None:
        """Send a message, and descriptors with it.

        Raises:
            OSError: the other end is gone.
        """
        body = json.dumps(message, default=_encode, separators=(",", ":")).encode()
        data = memoryview(_LENGTH.pack(len(body)) + body)
        if fds:
            rights = [(SOL_SOCKET, SCM_RIGHTS, array("i", fds))]
            data = data[self._socket.sendmsg([data], rights) :]
        while data:
            data = data[self._socket.send(data) :]

    def receive(self) -> Any:
        """The next message, waiting for it.

        Raises:
            EOFError: the other end closed.
            ChannelError: it is not a message.
        """
        while not self._messages:
            if not self.pump():
                raise EOFError
        return self._messages.popleft()

    @property
    def has_messages(self) -> bool:
        """Whether a message has been read that nobody has taken: a wait for the
        descriptor to be readable knows nothing of it."""
        return bool(self._messages)

    def take(self) -> Any | None:
        """The next message that has arrived, or None."""
        return self._messages.popleft() if self._messages else None

    def take_fd(self) -> int:
        """The next descriptor that came with a message; the caller owns it."""
        return self._fds.popleft()

    def pump(self) -> bool:
        """Read once, as much as is there; False at end-of-file."""
        fds = array("i")
        try:
            data, control, _flags, _address = self._socket.recvmsg(1 << 18, 16 + 4 * _FDS_LIMIT)
        except ConnectionResetError:
            data, control = b"", []
        for level, kind, numbers in control:
            if level == SOL_SOCKET and kind == SCM_RIGHTS:
                fds.frombytes(numbers[: len(numbers) - len(numbers) % fds.itemsize])
        self._fds.extend(fds)
        if not data:
            self.closed = True
            return False
        self._buffer += data
        self._parse()
        return True

    def _parse(self) -> None:
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MESSAGE_LIMIT:
                raise ChannelError(f"a message of {length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            try:
                message = json.loads(self._buffer[_LENGTH.size : end], object_hook=_decode)
            except (ValueError, RecursionError) as error:
                raise ChannelError(str(error)) from None
            del self._buffer[:end]
            self._messages.append(message)
