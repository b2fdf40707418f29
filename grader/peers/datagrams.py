"""What a peer can do with datagram sockets, of UDP and of the Unix domain."""

from __future__ import annotations

import errno
import socket
import struct

from grader.peers.places import Address, family_of, sockaddr, wired
from grader.peers.sockets import Sockets

#: More than any datagram has (bytes).
_LARGEST = 1 << 18
#: Where a UDP socket is connected to that is to take nothing: nobody sends from there.
_NOBODY = {socket.AF_INET: ("127.0.0.1", 9), socket.AF_INET6: ("::1", 9)}
#: Of any kind that the program can tell from its own.
_OWN = {socket.AF_INET: ["127.0.0.1", 0], socket.AF_INET6: ["::1", 0]}
_IP_RECVTTL = 12  # Python 3.11 has no name for it


class DatagramActions(Sockets):
    """The actions on datagram sockets.

    They are not connected (connect(2)), so that they hear everybody.
    """

    def bind(self, name: str, at: Address, shares: bool = False) -> dict:
        """Have a datagram socket at an address, which may be one that is occupied
        by `refuse`.

        Args:
            shares: whether the port is shared with whoever is willing to.
        """
        is_own = any(wired(held.getsockname()) == at for held in self._sockets.values())
        options = [socket.SO_REUSEADDR, *([socket.SO_REUSEPORT] if shares else [])] if shares or is_own else []
        self._keep(name, self._bound(at, socket.SOCK_DGRAM, options))
        return {"at": wired(self._sockets[name].getsockname())}

    def refuse(self, name: str, at: Address) -> dict:
        """Occupy a UDP port, or from now on one's own, in such a way that who sends
        to it is refused (ICMP)."""
        own = next((held for held in self._sockets.values() if wired(held.getsockname()) == at), None)
        held = own or self._bound(at, socket.SOCK_DGRAM, [socket.SO_REUSEADDR])
        held.connect(_NOBODY[held.family])
        if own is None:
            self._keep(name, held)
        return {"at": wired(held.getsockname())}

    def reach(self, name: str, at: Address, interface: str = "") -> dict:
        """Have a datagram socket of its own, for a program at that address.

        Args:
            interface: of a multicast group, the address to send from.
        """
        family = family_of(at)
        own = [interface, 0] if interface else _OWN.get(family, "")
        sock = self._bound(own, socket.SOCK_DGRAM, ())
        if interface:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        self._keep(name, sock)
        return {"at": wired(sock.getsockname())}

    def join(self, name: str, group: str, port: int, interface: str) -> dict:
        """Be a member of a multicast group, beside others on this machine."""
        member = self._bound([group, port], socket.SOCK_DGRAM, [socket.SO_REUSEADDR])
        both = socket.inet_aton(group) + socket.inet_aton(interface)
        member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, both)
        member.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        self._keep(name, member)
        return {}

    def send_to(self, name: str, data: bytes, to: Address) -> dict:
        """Send one datagram; a full queue of the Unix domain blocks."""
        self._sockets[name].sendto(data, sockaddr(to))
        return {}

    def take(self, name: str) -> dict:
        """The next datagram, waiting for it; none (``end``) if there is something else to do."""
        sock = self._sockets[name]
        if not self._has_something(sock):
            return {"data": b"", "end": "nothing"}
        return self._taken(sock)

    def look(self, name: str) -> dict:
        """The next datagram, if one is there."""
        try:
            return self._taken(self._sockets[name], socket.MSG_DONTWAIT)
        except BlockingIOError:
            return {"data": b"", "end": "nothing"}

    @staticmethod
    def _taken(sock: socket.socket, flags: int = 0) -> dict:
        data, control, _flags, source = sock.recvmsg(_LARGEST, socket.CMSG_SPACE(4), flags)
        hops = [struct.unpack("i", value)[0] for level, _kind, value in control if level == socket.IPPROTO_IP]
        return {"data": data, "end": "", "source": wired(source), "hops": (hops or [0])[0]}

    def share(self, at: Address) -> dict:
        """Whether a second socket gets the same address: the names of the
        options that make it possible."""
        found = []
        for name in ("", "SO_REUSEADDR", "SO_REUSEPORT"):
            try:
                self._bound(at, socket.SOCK_DGRAM, [getattr(socket, name)] if name else ()).close()
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                found.append(name)
        return {"options": found}

    def fill(self, name: str, to: Address) -> dict:
        """Send to a Unix datagram socket until its queue is full."""
        self._sockets[name].setblocking(False)
        count = 0
        try:
            while True:
                self._sockets[name].sendto(b"", sockaddr(to))
                count += 1
        except BlockingIOError:
            self._sockets[name].setblocking(True)
        return {"count": count}
