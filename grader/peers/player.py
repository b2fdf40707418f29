"""A peer's process: does one socket action after the other, as it is told.

It is trusted, knows no exercise, and every action is one or two system calls.
Sockets are named by the script ("listener", "connection"); an action that
blocks answers when it is through.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import sys
import termios
import zlib
from typing import Any

from grader.peers.datagrams import DatagramActions
from grader.peers.flood import PIECE, flood
from grader.peers.networks import NetworkActions
from grader.peers.places import Address, family_of, sockaddr, wired
from grader.peers.rights import RightsActions
from grader.peers.targets import TargetActions
from grader.peers.wires import WireActions
from grader.processes.channel import Channel

#: The most that one action reads before it gives up on an end (bytes).
READ_LIMIT = 64 << 20
_AGAIN = (socket.SO_REUSEADDR,)  # a server's port may be had again at once
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() resets


class Player(DatagramActions, NetworkActions, RightsActions, TargetActions, WireActions):
    """The sockets of one peer, and what it can do with them: streams, and what
    comes from its bases."""

    def listen(self, name: str, at: Address, backlog: int, buffers: int = 0) -> dict:
        """Listen; port 0 lets the kernel choose one.

        Args:
            buffers: bytes that a connection's buffers have here; 0 leaves them
                as they are.
        """
        listener = self._bound(at, socket.SOCK_STREAM, _AGAIN)
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF) if buffers else ():
            listener.setsockopt(socket.SOL_SOCKET, buffer, buffers)  # connections inherit it
        listener.listen(backlog)
        self._keep(name, listener)
        return {"at": wired(listener.getsockname())}

    def hold(self, name: str, at: Address) -> dict:
        """Occupy an address without listening on it: connecting is refused."""
        self._keep(name, self._bound(at, socket.SOCK_STREAM, _AGAIN))
        return {"at": wired(self._sockets[name].getsockname())}

    def begin(self, name: str) -> dict:
        """Listen where it holds an address."""
        self._sockets[name].listen(16)
        return {}

    def crowd(self, name: str, at: Address) -> dict:
        """Listen with a backlog that is full: who connects gets no answer."""
        listener = self._bound(at, socket.SOCK_STREAM, _AGAIN)
        listener.listen(0)
        self._keep(name, listener)
        queued = socket.socket(listener.family)
        queued.connect(listener.getsockname())
        self._keep(f"{name}, queued", queued)
        return {"at": wired(listener.getsockname())}

    def accept(self, name: str, listener: str, *, waits: bool = True) -> dict:
        """Accept a connection; None of it, if none is there and it is not waited for."""
        if not waits and not select.select([self._sockets[listener]], [], [], 0)[0]:
            return {"source": None}
        connection, source = self._sockets[listener].accept()
        self._keep(name, connection)
        return {"source": wired(source)}

    def connect(self, name: str, at: Address, room: int = 0, user: int | None = None, group: int | None = None) -> dict:
        """Connect; the answer is the address of this end.

        Args:
            room: bytes of its receive buffer; 0 leaves it as it is.
            user, group: who connects; None for whoever this process is.
        """
        connection = socket.socket(family_of(at), socket.SOCK_STREAM)
        if room:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        if connection.family == socket.AF_UNIX:
            connection.bind("")  # by its own name the program's accept() is told from others
        with self._as(user, group):
            connection.connect(sockaddr(at))
        self._keep(name, connection)
        return {"at": wired(connection.getsockname()), "inode": os.fstat(connection.fileno()).st_ino}

    def pair(self, name: str, other: str, buffers: int = 0) -> dict:
        """A TCP connection with both ends here; other is the one to lend.

        Args:
            buffers: bytes of its send buffer and of the peer's receive buffer;
                0 leaves them as they are.
        """
        with socket.socket() as listener:
            if buffers:  # inherited by the connection, before its window is offered
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            self._sockets[other] = socket.create_connection(listener.getsockname())
            if buffers:
                self._sockets[other].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
            connection, _ = listener.accept()
        self._keep(name, connection)
        return {}

    def send(self, name: str, data: bytes) -> dict:
        try:
            self._sockets[name].sendall(data)
        except ConnectionError:
            pass  # the other end did not want it all; what it returns is judged
        return {}

    def flood(self, name: str, first: int) -> dict:
        """Send as much as the kernel takes at once, in pieces of the flood."""
        count, connection = 0, self._sockets[name]
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)  # and it stays as small as that
        try:
            while True:
                count += connection.send(flood(first + count, PIECE), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return {"count": count, "is_over": False}
        except ConnectionError:
            return {"count": count, "is_over": True}

    def drain(self, name: str, count: int) -> dict:
        """Read so many bytes of the flood, or to its end; the answer is how many are
        there, and the first of them that is another one, -1 if none is."""
        connection, came = self._sockets[name], 0
        try:
            while came < count and (piece := connection.recv(min(count - came, 1 << 18))):
                if piece != (expected := flood(came, len(piece))):
                    at = next(i for i, pair in enumerate(zip(piece, expected, strict=True)) if pair[0] != pair[1])
                    return {"count": came, "differs": came + at, "end": ""}
                came += len(piece)
        except ConnectionResetError:
            return {"count": came, "differs": -1, "end": "reset"}
        return {"count": came, "differs": -1, "end": "end-of-file"}

    def receive(self, name: str, count: int, until: bytes = b"") -> dict:
        """Read until count bytes are there, or the end; -1 reads to the end.

        It breaks off when there is nothing to read, and something else to do.

        Args:
            until: what else is an end: nothing behind these bytes is taken.
        """
        data = bytearray()
        connection = self._sockets[name]
        wanted = READ_LIMIT if count < 0 else count
        most = 1 if until else 1 << 18
        while len(data) < wanted and not (until and data.endswith(until)):
            if not self._has_something(connection):
                break
            try:
                piece = connection.recv(min(wanted - len(data), most))
            except ConnectionResetError:
                return {"data": bytes(data), "end": "reset"}
            if not piece:
                return {"data": bytes(data), "end": "end-of-file"}
            data += piece
        return {"data": bytes(data), "end": ""}

    def unread(self, name: str) -> dict:
        """How many bytes have arrived and not been read, and whether an end has."""
        count, arrived = bytearray(4), select.poll()
        fcntl.ioctl(self._sockets[name], termios.FIONREAD, count)
        arrived.register(self._sockets[name], select.POLLRDHUP)
        return {"count": int.from_bytes(count, sys.byteorder), "end": bool(arrived.poll(0))}

    def ends(self, name: str) -> dict:
        """The addresses of both ends of a connection."""
        connection = self._sockets[name]
        return {"local": wired(connection.getsockname()), "remote": wired(connection.getpeername())}

    def echo(self, name: str) -> dict:
        """Send back each piece that is read before reading the next, to the end."""
        connection, count, check = self._sockets[name], 0, 0
        try:
            while piece := connection.recv(1 << 16):
                count, check = count + len(piece), zlib.crc32(piece, check)
                connection.sendall(piece)
        except ConnectionError:
            return {"count": count, "check": check, "end": "reset"}
        return {"count": count, "check": check, "end": "end-of-file"}

    def shutdown(self, name: str) -> dict:
        try:
            self._sockets[name].shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:  # the other end has reset it: receiving will tell
                raise
        return {}

    def reset(self, name: str) -> dict:
        """End the connection with a reset instead of an end-of-file."""
        connection = self._sockets.pop(name)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        connection.close()
        return {}

    def swallow_error(self, name: str) -> dict:
        """Wait for the pending error of a socket and take it off (SO_ERROR).

        After a reset the next send on the other end is then EPIPE, where it
        would have been ECONNRESET.
        """
        connection = self._sockets[name]
        waiter = select.poll()
        waiter.register(connection, 0)
        waiter.poll()
        return {"error": connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)}

    def time_wait(self, at: Address) -> dict:
        """Leave a connection of that address in TIME_WAIT, as a server does that
        closed first."""
        with self._bound(at, socket.SOCK_STREAM, _AGAIN) as listener:
            listener.listen(1)
            client = socket.create_connection(sockaddr(at))
            connection, _ = listener.accept()
            connection.close()
            client.recv(1)
            client.close()
        return {}

    def delivered(self, name: str) -> dict:
        """Whether the other end's kernel has all that was sent (TCP_INFO); in the
        Unix domain it has, at once."""
        if self._sockets[name].family == socket.AF_UNIX:
            return {"unacknowledged": 0}
        info = self._sockets[name].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        return {"unacknowledged": struct.unpack_from("I", info, 24)[0]}


def child(request: dict, control: Channel) -> None:
    """Be one peer's process until the judge closes the channel."""
    channel = Channel(control.take_fd())
    control.close()
    player = Player(channel)
    while True:
        try:
            message: dict[str, Any] = channel.receive()
        except EOFError:
            os._exit(0)
        action = getattr(player, message.pop("do"))
        fds: tuple[int, ...] = ()
        try:
            answer = action(**message)
            if isinstance(answer, tuple):
                answer, fds = answer
        except OSError as error:
            answer = {"errno": error.errno, "words": str(error)}
        channel.send(answer, fds)
        for fd in fds:
            os.close(fd)
