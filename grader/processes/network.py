"""One network namespace, and questions to its kernel about sockets: sock_diag(7)."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

#: The protocol of netlink(7).
SOCK_DIAG = 4
_BY_FAMILY = 20
_REQUEST, _DUMP = 0x1, 0x1 | 0x300
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_ROOM = 1 << 17


class Network:
    """A network namespace; by default the judge's own.

    Attributes:
        pid: a process in it, for the tables of proc(5); 0 for the judge itself.
    """

    def __init__(self) -> None:
        self.pid = 0
        self._asking: socket.socket | None = None

    def is_that_of(self, pid: int, asking: int) -> None:
        """From now on it is another one.

        Args:
            pid: a process that is in it.
            asking: a descriptor of a socket for sock_diag(7) that was made there;
                owned from now on.
        """
        self.close()
        self.pid, self._asking = pid, socket.socket(fileno=asking)

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.close()
            self._asking = None

    def rows(self, table: str) -> list[list[str]]:
        """The lines of a table of proc(5), field by field, without its header;
        none if there is no such table."""
        path = Path(f"/proc/{self.pid or 'self'}/net/{table}")
        return [line.split() for line in path.read_text().splitlines()[1:]] if path.exists() else []

    def all(self, question: bytes) -> Iterator[bytes]:
        """What the kernel says of each socket that a question is about.

        Raises:
            OSError: it does not answer.
        """
        self._ask(question, _DUMP)
        while True:
            data, at = self._asks.recv(_ROOM), 0
            while at < len(data):
                length, kind, *_ = _HEADER.unpack_from(data, at)
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError(errno.EOPNOTSUPP, "sock_diag(7) is refused")
                yield data[at + _HEADER.size : at + length]
                at += (length + 3) & ~3

    def one(self, question: bytes) -> bytes | None:
        """What the kernel says of one socket; None if there is none.

        Raises:
            OSError: it does not answer.
        """
        self._ask(question, _REQUEST)
        answer = self._asks.recv(_ROOM)
        body = answer[_HEADER.size :]
        if _HEADER.unpack_from(answer)[1] != _ERROR:
            return body
        number = -struct.unpack_from("=i", body)[0]
        if number == errno.ENOENT:
            return None  # it is gone
        raise OSError(number, os.strerror(number))

    @property
    def _asks(self) -> socket.socket:
        if self._asking is None:
            self._asking = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, SOCK_DIAG)
        return self._asking

    def _ask(self, question: bytes, flags: int) -> None:
        self._asks.send(_HEADER.pack(_HEADER.size + len(question), _BY_FAMILY, flags, 1, 0) + question)
