"""What is in the memory that records keep: socket addresses, options by their names,
control messages."""

from __future__ import annotations

import socket
import struct
import sys
from typing import NamedTuple

#: Socket options by level and number, as Linux has them on every machine that we
#: know (asm-generic/socket.h, in.h, in6.h); Python's ``socket`` lacks some.
_OPTIONS = {
    "SOL_SOCKET": (
        1,
        "REUSEADDR 2 TYPE 3 ERROR 4 DONTROUTE 5 BROADCAST 6 SNDBUF 7 RCVBUF 8 KEEPALIVE 9 OOBINLINE 10 "
        "LINGER 13 REUSEPORT 15 PASSCRED 16 PEERCRED 17 RCVLOWAT 18 SNDLOWAT 19 RCVTIMEO 20 SNDTIMEO 21 "
        "BINDTODEVICE 25 TIMESTAMP 29 ACCEPTCONN 30 PASSSEC 34 PROTOCOL 38 DOMAIN 39 RXQ_OVFL 40",
    ),
    "IPPROTO_IP": (
        0,
        "TOS 1 TTL 2 HDRINCL 3 PKTINFO 8 MTU_DISCOVER 10 RECVERR 11 RECVTTL 12 MULTICAST_IF 32 MULTICAST_TTL 33 "
        "MULTICAST_LOOP 34 ADD_MEMBERSHIP 35 DROP_MEMBERSHIP 36 MULTICAST_ALL 49",
    ),
    "IPPROTO_TCP": (
        6,
        "NODELAY 1 MAXSEG 2 CORK 3 KEEPIDLE 4 KEEPINTVL 5 KEEPCNT 6 INFO 11 QUICKACK 12 USER_TIMEOUT 18",
    ),
    "IPPROTO_IPV6": (
        41,
        "UNICAST_HOPS 16 MULTICAST_IF 17 MULTICAST_HOPS 18 MULTICAST_LOOP 19 JOIN_GROUP 20 LEAVE_GROUP 21 V6ONLY 26 "
        "RECVPKTINFO 49 PKTINFO 50",
    ),
}
_PREFIX = {"SOL_SOCKET": "SO_", "IPPROTO_IP": "IP_", "IPPROTO_TCP": "TCP_", "IPPROTO_IPV6": "IPV6_"}
_LEVELS = {number: name for name, (number, _) in _OPTIONS.items()}
_NUMBERS = {
    _PREFIX[level] + name: (number, int(option))
    for level, (number, words) in _OPTIONS.items()
    for name, option in zip(words.split()[::2], words.split()[1::2], strict=True)
}
_NAMES = {number: name for name, number in _NUMBERS.items()}

#: Of a control message: level, type, length, before its data.
CONTROL_HEAD = struct.Struct("=iiI")
_CREDENTIALS = struct.Struct("=iII")
_SCM_RIGHTS, _SCM_CREDENTIALS = 1, 2


class Credentials(NamedTuple):
    """Who a process is: SO_PEERCRED, SCM_CREDENTIALS."""

    pid: int
    uid: int
    gid: int


def option_number(name: str) -> tuple[int, int]:
    """Level and number of a socket option.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in _NUMBERS:
        raise ValueError(f"no such socket option: {name}")
    return _NUMBERS[name]


def option_name(level: int, option: int) -> str:
    """The name of a socket option, or its number."""
    return _NAMES.get((level, option), str(option))


def level_name(level: int) -> str:
    """The name of a level of socket options, or its number."""
    return _LEVELS.get(level, str(level))


def ip_address(sockaddr: bytes) -> tuple[str, int] | None:
    """The IP address and the port of a sockaddr; None if it has none."""
    if len(sockaddr) < 8:
        return None
    (family,) = struct.unpack_from("=H", sockaddr)
    (port,) = struct.unpack_from("!H", sockaddr, 2)
    if family == socket.AF_INET:
        return socket.inet_ntoa(sockaddr[4:8]), port
    if family == socket.AF_INET6 and len(sockaddr) >= 24:
        return socket.inet_ntop(family, sockaddr[8:24]), port
    return None


def link_address(sockaddr: bytes) -> tuple[int, int] | None:
    """The protocol and the number of the interface of a struct sockaddr_ll (packet(7));
    None of a socket of another family."""
    if len(sockaddr) < 8 or int.from_bytes(sockaddr[:2], sys.byteorder) != socket.AF_PACKET:
        return None
    return int.from_bytes(sockaddr[2:4], "big"), int.from_bytes(sockaddr[4:8], sys.byteorder)


def unix_path(sockaddr: bytes) -> bytes | None:
    """The path of a Unix socket; ``b""`` of one that has none, ``b"\\0name"`` of one in
    the abstract namespace, None of a socket of another family."""
    if len(sockaddr) < 2 or int.from_bytes(sockaddr[:2], sys.byteorder) != socket.AF_UNIX:
        return None
    path = sockaddr[2:]
    return path if path[:1] == b"\0" and path.strip(b"\0") else path.partition(b"\0")[0]


def control_messages(kept: bytes) -> list[tuple[int, int, bytes]]:
    """Level, type and data of each control message."""
    found = []
    while len(kept) >= CONTROL_HEAD.size:
        level, kind, length = CONTROL_HEAD.unpack_from(kept)
        found.append((level, kind, kept[CONTROL_HEAD.size : CONTROL_HEAD.size + length]))
        kept = kept[CONTROL_HEAD.size + length :]
    return found


def passed_descriptors(kept: bytes) -> tuple[int, ...]:
    """The numbers of the descriptors that control messages carry (SCM_RIGHTS)."""
    rights = (d for level, kind, d in control_messages(kept) if (level, kind) == (socket.SOL_SOCKET, _SCM_RIGHTS))
    return tuple(number for data in rights for (number,) in struct.iter_unpack("=i", data[: len(data) // 4 * 4]))


def passed_credentials(kept: bytes) -> Credentials | None:
    """The credentials that control messages carry (SCM_CREDENTIALS)."""
    for level, kind, data in control_messages(kept):
        if (level, kind) == (socket.SOL_SOCKET, _SCM_CREDENTIALS):
            return credentials(data)
    return None


def credentials(data: bytes) -> Credentials | None:
    """A struct ucred; None of fewer bytes."""
    return Credentials(*_CREDENTIALS.unpack_from(data)) if len(data) >= _CREDENTIALS.size else None
