"""The kernel's Unix domain sockets of this moment, over sock_diag(7).

Where that is refused, the table of proc(5) serves, which knows neither who is at
the other end of a connection nor what is unread.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from grader.processes.network import Network

#: States (tcp_states.h).
ESTABLISHED, LISTEN = 1, 10
_REQUEST = struct.Struct("=BBHIIIII")
_NO_COOKIE, _EVERY_STATE = 0xFFFFFFFF, 0xFFFFFFFF
#: What is asked for: UDIAG_SHOW_NAME, UDIAG_SHOW_PEER and UDIAG_SHOW_RQLEN.
_SHOW = 0x1 | 0x4 | 0x10
#: Attributes of an answer (unix_diag.h).
_NAME, _PEER, _LENGTHS, _SHUTDOWN = 0, 2, 4, 6
_RECEIVES_NO_MORE = 1
_LISTENS = 0x10000  # flag of proc(5)


@dataclass(frozen=True)
class UnixEnd:
    """One Unix domain socket.

    Attributes:
        inode: the socket's.
        type: SOCK_STREAM or SOCK_DGRAM.
        name: its address, ``b""`` for none.
        other: inode of the socket that it is connected to; 0 if there is none,
            it is in the backlog still, or it has been closed.
        unread: bytes that have arrived and not been received; of a datagram socket,
            of the first datagram; of one that listens, how many connections wait.
        is_ended: whether nothing more will come.
    """

    inode: int
    type: int
    state: int
    name: bytes
    other: int = 0
    unread: int = 0
    is_ended: bool = False


def ends(network: Network) -> list[UnixEnd]:
    """All Unix domain sockets of a network."""
    try:
        return [_told(answer) for answer in network.all(_question(0))]
    except (OSError, AttributeError):
        return list(_read(network.rows("unix")))


def end(network: Network, inode: int) -> UnixEnd | None:
    """The socket of that inode; None if there is none."""
    try:
        answer = network.one(_question(inode))
    except (OSError, AttributeError):
        return next((end for end in _read(network.rows("unix")) if end.inode == inode), None)
    return _told(answer) if answer is not None else None


def _question(inode: int) -> bytes:
    return _REQUEST.pack(socket.AF_UNIX, 0, 0, _EVERY_STATE, inode, _SHOW, _NO_COOKIE, _NO_COOKIE)


def _told(answer: bytes) -> UnixEnd:
    _family, kind, state, _pad, inode = struct.unpack_from("=BBBBI", answer)
    told = dict(_attributes(answer[16:]))
    other, unread = (struct.unpack_from("=I", told[name])[0] if name in told else 0 for name in (_PEER, _LENGTHS))
    is_ended = bool(told.get(_SHUTDOWN, b"\0")[0] & _RECEIVES_NO_MORE)
    return UnixEnd(inode, kind, state, told.get(_NAME, b"").rstrip(b"\0") or b"", other, unread, is_ended)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        yield kind, data[at + 4 : at + length]
        at += (length + 3) & ~3


def _read(rows: list[list[str]]) -> Iterator[UnixEnd]:
    for _address, _references, _protocol, flags, kind, state, inode, *name in rows:
        listens = int(flags, 16) & _LISTENS
        is_connected = int(state, 16) == 3  # SS_CONNECTED of net.h
        known = LISTEN if listens else ESTABLISHED if is_connected else 0
        text = name[0].encode() if name else b""
        yield UnixEnd(int(inode), int(kind, 16), known, b"\0" + text[1:] if text[:1] == b"@" else text)
