"""Where a socket can be reached, and of what kind it is: the one value that
tells a TCP port from a UDP port, and both from a path.

A place is text, as programs are given it.  Between the judge and a peer's
process an address travels as ``[host, port]``, as a path, or as the bytes of an
abstract name (unix(7)).
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

#: An address between the judge and a peer: ``[host, port]``, a path, a name.
Address = list | str | bytes


@dataclass(frozen=True)
class Kind:
    """A sort of socket, but for the version of IP, which an address tells.

    Attributes:
        name: as sentences have it.
        type: SOCK_STREAM or SOCK_DGRAM.
        is_local: of the Unix domain.
    """

    name: str
    type: socket.SocketKind
    is_local: bool = False

    @property
    def has_datagrams(self) -> bool:
        return self.type == socket.SOCK_DGRAM


TCP, UDP = Kind("TCP", socket.SOCK_STREAM), Kind("UDP", socket.SOCK_DGRAM)
UNIX = Kind("Unix stream", socket.SOCK_STREAM, is_local=True)
UNIX_DATAGRAM = Kind("Unix datagram", socket.SOCK_DGRAM, is_local=True)


class Place(str):
    """A port or a path, as text, that knows what kind of socket is there."""

    kind: Kind

    def __new__(cls, text: str, kind: Kind) -> Place:
        place = super().__new__(cls, text)
        place.kind = kind
        return place


def kind_of(place: str) -> Kind:
    """What is to be reached there: of plain text, a path or a TCP port."""
    if isinstance(place, Place):
        return place.kind
    return UNIX if is_path(place) else TCP


def is_path(text: str) -> bool:
    """Whether a text is a path or an abstract name, and no port and no IP address."""
    return "/" in text or text.startswith("\0")


def address_of(place: str, host: str) -> Address:
    """A place as peers are told it.

    Args:
        host: the machine's address, which a path has none of.
    """
    return str(place) if kind_of(place).is_local else [host, int(place)]


def family_of(address: Address) -> socket.AddressFamily:
    """The address family that an address is of."""
    if not isinstance(address, list):
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def sockaddr(address: Address) -> tuple | str | bytes:
    """An address as the calls of a socket take it; with its zone, as in fe80::1%lo."""
    if not isinstance(address, list):
        return address
    zone = address[0].partition("%")[2]
    return (*address, 0, socket.if_nametoindex(zone)) if zone else tuple(address)


def wired(address: tuple | str | bytes | None) -> Address:
    """What a call of a socket has returned, as the judge is told it."""
    return list(address[:2]) if isinstance(address, tuple) else address or ""
