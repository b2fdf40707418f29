"""What the kernel knows of the TCP connections of some processes.

Asked for one connection at a time over sock_diag(7), which answers in
microseconds; the tables of proc(5) cost milliseconds, for the kernel walks all
its hash buckets.  Where sock_diag or pidfd_getfd(2) is refused (some
containers), the tables serve.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Collection
from functools import cache
from pathlib import Path

# TCP states of proc(5) in which something is still on its way:
# SYN_SENT SYN_RECV FIN_WAIT1 LAST_ACK CLOSING
_ON_ITS_WAY = {2, 3, 4, 9, 11}
_SYN_SENT, _LISTEN = 2, 10
#: The timer of a side that waits until the other one has room again.
_PROBE = 4

_PIDFD_GETFD = 438  # the same on every architecture
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLMSG_ERROR, _NLM_F_REQUEST = 4, 20, 2, 1
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBxI")
_ID = struct.Struct("!HH16s16s")
_ANY_INTERFACE_ANY_COOKIE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
_EVERY_STATE = 0xFFFFFFFF
#: Where struct inet_diag_msg has idiag_wqueue: after state, id, expires, rqueue.
_WAITING_TO_BE_SENT = 4 + 48 + 4 + 4

#: A connection: family, and address and port of both ends.
Ends = tuple[int, bytes, int, bytes, int]


#: With more connections than this the tables are the faster way.
_MANY = 200


class Connections:
    """The connections that some processes have, or had at an earlier look."""

    def __init__(self) -> None:
        self._known: dict[str, Ends] = {}  # by inode

    def on_their_way(self, pids: list[int], silent: Collection[int] = ()) -> bool:
        """Whether a byte, an end-of-file or a handshake of the connections of
        these processes has not arrived yet.

        Args:
            silent: ports whose backlog is full: nobody answers a handshake, and
                the kernel goes on knocking for minutes.
        """
        sockets = [entry for pid in pids for entry in _sockets(pid)]
        if len(sockets) <= _MANY and not silent:
            try:
                return self._ask_for_each(sockets)
            except OSError:
                pass  # refused here
        return _tables_say({inode for _, _, inode in sockets}, silent)

    def _ask_for_each(self, sockets: list[tuple[int, int, str]]) -> bool:
        for pid, number, inode in sockets:
            if inode not in self._known:
                state, ends = _looked_at(pid, number)
                if state in _ON_ITS_WAY:
                    return True
                if ends is not None:
                    self._known[inode] = ends
        return any(_moves(end) for ends in set(self._known.values()) for end in (ends, _reversed(ends)))


def _sockets(pid: int) -> list[tuple[int, int, str]]:
    """(pid, descriptor, inode) of each socket of a process."""
    found = []
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for name in names:
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            found.append((pid, int(name), target[8:-1]))
    return found


def _looked_at(pid: int, number: int) -> tuple[int, Ends | None]:
    """The state and, once it is connected, the ends of a process' TCP socket.

    Raises:
        OSError: the kernel does not let us look.
    """
    fd = _borrowed(pid, number)
    if fd == -1:
        return 0, None
    with socket.socket(fileno=fd) as borrowed:
        if borrowed.family not in (socket.AF_INET, socket.AF_INET6) or borrowed.type != socket.SOCK_STREAM:
            return 0, None
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


@cache
def _diagnostics() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG)


def _reversed(ends: Ends) -> Ends:
    family, ours, our_port, theirs, their_port = ends
    return family, theirs, their_port, ours, our_port


def _moves(ends: Ends) -> bool:
    """Whether the socket at the first of two ends has something on its way.

    Raises:
        OSError: the kernel does not answer.
    """
    family, ours, our_port, theirs, their_port = ends
    request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _EVERY_STATE)
    request += _ID.pack(our_port, their_port, ours, theirs) + _ANY_INTERFACE_ANY_COOKIE
    netlink = _diagnostics()
    netlink.send(_HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0) + request)
    answer = netlink.recv(4096)
    kind = _HEADER.unpack_from(answer)[1]
    body = answer[_HEADER.size :]
    if kind == _NLMSG_ERROR:
        number = -struct.unpack_from("=i", body)[0]
        if number == errno.ENOENT:
            return False  # it is gone
        raise OSError(number, os.strerror(number))
    state, waiting = body[1], struct.unpack_from("=I", body, _WAITING_TO_BE_SENT)[0]
    return state != _LISTEN and body[2] != _PROBE and (state in _ON_ITS_WAY or waiting > 0)


def _tables_say(inodes: set[str], silent: Collection[int] = ()) -> bool:
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        if Path(f"/proc/net/{name}").exists()
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    ports = {fields[i].rpartition(":")[2] for fields in lines if fields[9] in inodes for i in (1, 2)} - {"0000"}
    return any(
        (int(fields[3], 16) in _ON_ITS_WAY or not fields[4].startswith("00000000"))
        and int(fields[3], 16) != _LISTEN
        and not (int(fields[3], 16) == _SYN_SENT and int(fields[2].rpartition(":")[2], 16) in silent)
        and int(fields[5].partition(":")[0], 16) != _PROBE
        and {fields[1].rpartition(":")[2], fields[2].rpartition(":")[2]} & ports
        for fields in lines
    )


def wait_for_each_other(pid: int, others: list[int]) -> bool:
    """Whether both ends of a connection between a process and each of the others
    have bytes to send, and probe for room (the timer that proc(5) shows as 04)."""
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    probing = {(fields[1], fields[2]): fields[9] for fields in lines if fields[5].startswith("04:")}
    ours = {inode for _, _, inode in _sockets(pid)}
    return all(
        any(probing.get((remote, local)) in ours for (local, remote), inode in probing.items() if inode in theirs)
        for theirs in ({inode for _, _, inode in _sockets(other)} for other in others)
    )
