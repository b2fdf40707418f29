"""The kernel's TCP sockets of this moment, one line for each end of a connection.

Asked for over sock_diag(7), which leaves out the connections in TIME_WAIT: on a
busy machine there are thousands, and reading them in /proc/net/tcp takes longer
than all the rest of a look.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from grader.processes.network import Network

#: TCP states (tcp_states.h).
SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, LAST_ACK, LISTEN, CLOSING = 2, 3, 4, 5, 6, 9, 10, 11
#: The timer that runs while the receiver has no room (tcp(7), a window probe).
PROBE = 4

_REQUEST = struct.Struct("=BBBBI48x")


@dataclass(frozen=True)
class End:
    """One end of a TCP connection, or a listening socket.

    Attributes:
        port, other: of this end and of the other one; 0 for none.
        unsent: bytes that the other end has not acknowledged.
        unread: bytes that have arrived and not been received.
        inode: the socket's, 0 while no program holds it.
    """

    port: int
    other: int
    state: int
    timer: int
    unsent: int
    unread: int
    inode: int


def ends(network: Network) -> list[End]:
    """All TCP sockets of a network, but those in TIME_WAIT."""
    try:
        return [end for family in (socket.AF_INET, socket.AF_INET6) for end in _asked(network, family)]
    except (OSError, AttributeError):
        return [end for name in ("tcp", "tcp6") for end in _read(network.rows(name))]


def _asked(network: Network, family: int) -> Iterator[End]:
    states = 0x1FFF & ~(1 << TIME_WAIT)
    for told in network.all(_REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, states)):
        _family, state, timer, _retries, port, other = struct.unpack_from("!BBBBHH", told)
        _expires, unread, unsent, _uid, inode = struct.unpack_from("=5I", told, 52)
        yield End(port, other, state, timer, unsent, unread, inode)


def _read(rows: list[list[str]]) -> Iterator[End]:
    for fields in rows:
        port, other = (int(address.rpartition(":")[2], 16) for address in fields[1:3])
        unsent, unread = (int(part, 16) for part in fields[4].split(":"))
        state, timer = int(fields[3], 16), int(fields[5].partition(":")[0], 16)
        if state != TIME_WAIT:
            yield End(port, other, state, timer, unsent, unread, int(fields[9]))
