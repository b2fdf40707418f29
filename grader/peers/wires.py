"""What a peer can do with whole frames: it is the network at the other end of a wire."""

from __future__ import annotations

import socket
from contextlib import suppress

from grader.peers.sockets import Sockets
from grader.processes import interfaces

#: Of packet(7); Python 3.11 has no name for it, nor for the next one.
_EVERY_PROTOCOL = 0x0003
_SOL_PACKET, _IGNORE_OUTGOING = 263, 23
#: More than any frame has (bytes).
_LARGEST = 1 << 18
#: Room for frames that nobody has looked at yet (bytes).
_ROOM = 1 << 22
#: Besides the name of a wire, what the socket is called that is a witness at its near end.
_WITNESS = "{}, seen"


class WireActions(Sockets):
    """The actions on frames."""

    def make_wire(self, near: str, near_mac: bytes, far: str, far_mac: bytes, address: str = "") -> dict:
        """Have a wire, both of whose ends are up, the near one with an address or without."""
        interfaces.make_pair(near, near_mac, far, far_mac)
        if address:
            interfaces.add_ipv4(near, address)
        return {}

    def set_up(self, interface: str, up: bool) -> dict:
        """Let an interface be up, or down."""
        interfaces.set_up(interface, up)
        return {}

    def attend(self, name: str, near: str, far: str) -> dict:
        """Take from now on what comes out of a wire at its far end.

        Args:
            far: ``""`` of loopback, which has one end.
        """
        self._keep(_WITNESS.format(near), _packet_socket(near))
        if far:
            self._keep(name, _packet_socket(far))
            # what this peer sends into the wire does not come out of it here
            self._sockets[name].setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        return {}

    def put(self, near: str, through: str, data: bytes) -> dict:
        """Send a frame through an interface, and wait until it has been at the near end:
        whoever listens there has it by then."""
        witness, copies = self._sockets[_WITNESS.format(near)], 2 if near == "lo" else 1
        with suppress(BlockingIOError):
            while True:
                witness.recv(1, socket.MSG_DONTWAIT)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM)
            sender.sendto(data, (through, 0))
        while copies:
            copies -= witness.recv(_LARGEST) == data
        return {}


def _packet_socket(interface: str) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
    sock.bind((interface, _EVERY_PROTOCOL))
    return sock
