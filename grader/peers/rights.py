"""What a peer can do with descriptors and credentials: what travels beside the
bytes of a Unix domain socket (unix(7), Ancillary messages)."""

from __future__ import annotations

import os
import socket
from array import array
from collections.abc import Iterator
from contextlib import contextmanager

from grader.peers.sockets import Sockets

#: Room for so many descriptors.
_MOST = 16


class RightsActions(Sockets):
    """The actions on descriptors and credentials."""

    def pair_locally(
        self, name: str, other: str, user: int | None = None, group: int | None = None, full: bool = False
    ) -> dict:
        """A Unix stream connection with both ends here; other is the one to lend.

        The kernel takes down who this process is: see `_as`.

        Args:
            full: whether the other one can send nothing before ours has read.
        """
        with self._as(user, group):
            ours, theirs = socket.socketpair()
        self._keep(name, ours)
        self._keep(other, theirs)
        return {"fills": _fill(theirs) if full else 0}

    def make_locally(self, name: str) -> dict:
        """A Unix stream socket that is not connected."""
        self._keep(name, socket.socket(socket.AF_UNIX))
        return {}

    def pass_on(self, name: str, data: bytes, count: int) -> dict:
        """Send bytes, with so many descriptors that the request has brought."""
        fds = [self._channel.take_fd() for _ in range(count)]
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", fds))] if fds else []
        try:
            self._sockets[name].sendmsg([data], rights)
        finally:
            for fd in fds:
                os.close(fd)
        return {}

    def be_passed(self, name: str, size: int) -> tuple[dict, tuple[int, ...]]:
        """Read so many bytes, or to the end, and hand over the descriptors that
        have come with them."""
        data, fds, end = b"", array("i"), ""
        while len(data) < size:
            if not self._has_something(self._sockets[name]):
                break
            piece, control, _flags, _source = self._sockets[name].recvmsg(
                size - len(data), socket.CMSG_SPACE(_MOST * fds.itemsize)
            )
            for level, kind, value in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(value)
            if not piece:
                end = "end-of-file"
                break
            data += piece
        return {"data": data, "end": end, "count": len(fds)}, tuple(fds)

    @staticmethod
    @contextmanager
    def _as(user: int | None, group: int | None) -> Iterator[None]:
        """Be another user for a moment: of what the kernel takes down of a process
        (SO_PEERCRED), the effective ids."""
        own_user, own_group = os.geteuid(), os.getegid()
        try:
            if group is not None:
                os.setegid(group)
            if user is not None:
                os.seteuid(user)
            yield
        finally:
            os.seteuid(own_user)
            os.setegid(own_group)


def _fill(connection: socket.socket) -> int:
    """Send until there is no room for more; how many bytes that were."""
    sent = 0
    connection.setblocking(False)
    try:
        while True:
            sent += connection.send(bytes(4096))
    except BlockingIOError:
        return sent
    finally:
        connection.setblocking(True)
