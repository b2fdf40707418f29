"""The sockets of one peer, by the names that the script gives them."""

from __future__ import annotations

import fcntl
import os
import select
import socket
from collections.abc import Iterable

from grader.peers.places import Address, family_of, sockaddr
from grader.processes.channel import Channel


class Sockets:
    """What streams and datagrams have in common.

    Args:
        channel: on which the peer is told what to do.
    """

    def __init__(self, channel: Channel) -> None:
        self._sockets: dict[str, socket.socket] = {}
        self._locks: dict[str, int] = {}  # descriptors of directories
        self._channel = channel

    def _has_something(self, sock: socket.socket) -> bool:
        """Whether there is something to read, waiting until there is, or until
        there is something else to do."""
        # what there is to do may have come in one piece with what is being done
        patience = 0 if self._channel.has_messages else None
        return sock in select.select([sock, self._channel], [], [], patience)[0]

    def _keep(self, name: str, sock: socket.socket) -> None:
        """Have a socket under a name; another one that had it is closed.

        What it sends leaves at once: the kernel would keep small pieces back while
        the program is slow to acknowledge others (TCP_NODELAY, tcp(7)).
        """
        if sock.family != socket.AF_UNIX and sock.type == socket.SOCK_STREAM:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if name in self._sockets:
            self._sockets[name].close()
        self._sockets[name] = sock

    @staticmethod
    def _bound(at: Address, kind: int, options: Iterable[int] = ()) -> socket.socket:
        """A new socket at an address.

        Args:
            at: "" of the Unix domain is none, port 0 one that the kernel chooses.
            options: of SOL_SOCKET, to switch on.
        """
        bound = socket.socket(family_of(at), kind)
        try:
            for option in options:
                bound.setsockopt(socket.SOL_SOCKET, option, 1)
            if bound.family == socket.AF_INET6:  # the IPv4 port is another one
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind(sockaddr(at))
        except BaseException:
            bound.close()
            raise
        return bound

    def break_off(self) -> dict:
        """Nothing, but for a receive under way, which ends with what it has."""
        return {}

    def close(self, name: str) -> dict:
        self._sockets.pop(name).close()
        return {}

    def leave(self) -> dict:
        """Close everything."""
        for sock in self._sockets.values():
            sock.close()
        for fd in self._locks.values():
            os.close(fd)
        self._sockets.clear()
        self._locks.clear()
        return {}

    def lock(self, name: str, path: str, shared: bool = False) -> dict:
        """Take the lock of a directory (flock(2)), if it is free.

        Args:
            shared: whether others may have it, too.
        """
        fd = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise
        self._locks[name] = fd
        return {}

    def unlock(self, name: str) -> dict:
        os.close(self._locks.pop(name))
        return {}

    def lend(self, name: str) -> tuple[dict, tuple[int, ...]]:
        """Hand the descriptor over; the peer keeps none."""
        return {}, (self._sockets.pop(name).detach(),)
