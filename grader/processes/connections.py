"""What the kernel knows of the connections of some processes.

Asked for one connection at a time over sock_diag(7), which answers in
microseconds; the tables of proc(5) cost milliseconds, for the kernel walks all
its hash buckets.  Where sock_diag or pidfd_getfd(2) is refused (some
containers), and where connections are many, a look at all of them serves.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Collection
from functools import cache

from grader.processes import tcp_table, unix_table
from grader.processes.network import Network
from grader.processes.sockets import sockets_of

#: TCP states in which something is still on its way.
_ON_ITS_WAY = {
    tcp_table.SYN_SENT,
    tcp_table.SYN_RECV,
    tcp_table.FIN_WAIT1,
    tcp_table.LAST_ACK,
    tcp_table.CLOSING,
}

_PIDFD_GETFD = 438  # the same on every architecture
_REQUEST = struct.Struct("=BBBxI")
_ID = struct.Struct("!HH16s16s")
_ANY_INTERFACE_ANY_COOKIE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
_EVERY_STATE = 0xFFFFFFFF
#: Where struct inet_diag_msg has idiag_wqueue, after state, id, expires and
#: rqueue; and idiag_inode, after that and uid.
_WAITING_TO_BE_SENT = 4 + 48 + 4 + 4
_INODE = _WAITING_TO_BE_SENT + 4 + 4

#: Instead of a TCP state.
_NOT_TCP, _GONE = -1, -2

#: A connection: family, and address and port of both ends.
Ends = tuple[int, bytes, int, bytes, int]

#: With more connections than this, all of them together are the faster way.
_MANY = 200


class Connections:
    """The connections that some processes have, or had at an earlier look.

    Args:
        network: that they are in.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._known: dict[int, Ends] = {}  # by inode
        self._other: set[int] = set()  # inodes of sockets that are not TCP's

    def is_held(self, ends: Ends) -> bool:
        """Whether a program holds the socket at the first of two ends: it has
        accepted the connection, and not closed it.

        Raises:
            OSError: the kernel does not answer.
        """
        found = _found(ends, self._network)
        # the listening socket stands in for a connection that is gone
        return found is not None and found[1] != tcp_table.LISTEN and struct.unpack_from("=I", found, _INODE)[0] != 0

    def on_their_way(self, pids: list[int], silent: Collection[int] = ()) -> bool:
        """Whether a byte, an end-of-file or a handshake of the connections of
        these processes has not arrived yet.

        Args:
            silent: ports whose backlog is full: nobody answers a handshake, and
                the kernel goes on knocking for minutes.
        """
        sockets = [(pid, number, inode) for pid in pids for number, inode in sockets_of(pid).items()]
        if len(sockets) <= _MANY and not silent:
            try:
                return self._ask_for_each(sockets)
            except OSError:
                pass  # refused here
        return _table_says(self._network, {inode for _, _, inode in sockets}, silent)

    def _ask_for_each(self, sockets: list[tuple[int, int, int]]) -> bool:
        for pid, number, inode in sockets:
            if inode in self._known or inode in self._other:
                continue
            state, ends = _looked_at(pid, number)
            if state in _ON_ITS_WAY:
                return True
            if ends is not None:
                self._known[inode] = ends
            elif state == _NOT_TCP:
                self._other.add(inode)
        ends = {end for known in self._known.values() for end in (known, _reversed(known))}
        return any(_moves(end, self._network) for end in ends)


def _looked_at(pid: int, number: int) -> tuple[int, Ends | None]:
    """The state and, once it is connected, the ends of a process' TCP socket;
    `_NOT_TCP` or `_GONE` where it is none.

    Raises:
        OSError: the kernel does not let us look.
    """
    fd = _borrowed(pid, number)
    if fd == -1:
        return _GONE, None
    with socket.socket(fileno=fd) as borrowed:
        if borrowed.family not in (socket.AF_INET, socket.AF_INET6) or borrowed.type != socket.SOCK_STREAM:
            return _NOT_TCP, None
        state = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        try:
            local, remote = borrowed.getsockname(), borrowed.getpeername()
        except OSError:
            return state, None
        family = int(borrowed.family)
        (ours, theirs) = (socket.inet_pton(family, name[0].partition("%")[0]) for name in (local, remote))
        return state, (family, ours, local[1], theirs, remote[1])


def _borrowed(pid: int, number: int) -> int:
    """A duplicate of a process' descriptor, -1 if one of them is gone."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return -1
    try:
        fd = _system().syscall(_PIDFD_GETFD, pidfd, number, 0)
        number = ctypes.get_errno()
    finally:
        os.close(pidfd)
    if fd == -1 and number not in (errno.EBADF, errno.ESRCH):
        raise OSError(number, os.strerror(number))
    return fd


@cache
def _system() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _reversed(ends: Ends) -> Ends:
    family, ours, our_port, theirs, their_port = ends
    return family, theirs, their_port, ours, our_port


def _moves(ends: Ends, network: Network) -> bool:
    """Whether the socket at the first of two ends has something on its way.

    Raises:
        OSError: the kernel does not answer.
    """
    found = _found(ends, network)
    if found is None:
        return False
    return _is_moving(found[1], found[2], struct.unpack_from("=I", found, _WAITING_TO_BE_SENT)[0])


def _found(ends: Ends, network: Network) -> bytes | None:
    """What the kernel says of the socket at the first of two ends, a struct
    inet_diag_msg, or None if there is none.

    Raises:
        OSError: the kernel does not answer.
    """
    family, ours, our_port, theirs, their_port = ends
    request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _EVERY_STATE)
    request += _ID.pack(our_port, their_port, ours, theirs) + _ANY_INTERFACE_ANY_COOKIE
    return network.one(request)


def _table_says(network: Network, inodes: set[int], silent: Collection[int]) -> bool:
    table = tcp_table.ends(network)
    ports = {port for end in table if end.inode in inodes for port in (end.port, end.other)} - {0}
    return any(
        _is_moving(end.state, end.timer, end.unsent)
        and not (end.state == tcp_table.SYN_SENT and end.other in silent)
        and {end.port, end.other} & ports
        for end in table
    )


def _is_moving(state: int, timer: int, unsent: int) -> bool:
    """Whether something of a socket has not arrived at the other side, and would
    without that side's doing: a window probe waits for room there."""
    return state != tcp_table.LISTEN and timer != tcp_table.PROBE and (state in _ON_ITS_WAY or unsent > 0)


def wait_for_each_other(network: Network, pid: int, others: list[int]) -> bool:
    """Whether both ends of a connection between a process and each of the others,
    all of which sleep because they have no room to send, have bytes that are unread.

    TCP probes for room then; in the Unix domain the bytes lie at both ends.
    """
    probing = {end.inode: (end.port, end.other) for end in tcp_table.ends(network) if end.timer == tcp_table.PROBE}

    def stuck(owner: int) -> set[tuple[int, int]]:
        own = set(sockets_of(owner).values())
        local = filter(None, (unix_table.end(network, inode) for inode in own - probing.keys()))
        pairs = {(end.inode, end.other) for end in local if end.unread and end.other}
        return pairs | {probing[inode] for inode in own & probing.keys()}

    ours = {(other, one) for one, other in stuck(pid)}
    return bool(ours) and all(ours & stuck(owner) for owner in others)
