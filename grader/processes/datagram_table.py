"""The kernel's UDP sockets of this moment, one line for each that has a port."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from grader.processes.network import Network

_REQUEST = struct.Struct("=BBBBI48x")
_EVERY_STATE = 0xFFFFFFFF


@dataclass(frozen=True)
class Bound:
    """A UDP socket that has a port.

    Attributes:
        port: its own.
        other: of whom it is connected to; 0 for nobody.
        has_unread: whether a datagram has arrived and not been received.
        inode: the socket's.
    """

    port: int
    other: int
    has_unread: bool
    inode: int


def bound(network: Network) -> list[Bound]:
    """All UDP sockets of a network that have a port."""
    try:
        return [end for family in (socket.AF_INET, socket.AF_INET6) for end in _asked(network, family)]
    except (OSError, AttributeError):
        return [end for name in ("udp", "udp6") for end in _read(network.rows(name))]


def _asked(network: Network, family: int) -> Iterator[Bound]:
    for told in network.all(_REQUEST.pack(family, socket.IPPROTO_UDP, 0, 0, _EVERY_STATE)):
        port, other = struct.unpack_from("!HH", told, 4)
        _expires, unread, _unsent, _uid, inode = struct.unpack_from("=5I", told, 52)
        yield Bound(port, other, unread > 0, inode)


def _read(rows: list[list[str]]) -> Iterator[Bound]:
    for fields in rows:
        port, other = (int(address.rpartition(":")[2], 16) for address in fields[1:3])
        yield Bound(port, other, fields[4].rpartition(":")[2] != "00000000", int(fields[9]))
