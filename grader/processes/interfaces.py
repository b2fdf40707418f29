"""Network interfaces of the network that this process is in, made and set over rtnetlink(7)."""

from __future__ import annotations

import os
import socket
import struct
from ipaddress import IPv4Interface
from pathlib import Path

#: The largest packet of an interface, as loopback has it nearly (bytes).
MOST = 65535
_NEW_LINK, _NEW_ADDRESS, _ERROR = 16, 20, 2
#: NLM_F_REQUEST | NLM_F_ACK, and NLM_F_CREATE | NLM_F_EXCL.
_CHANGES, _MAKES = 0x5, 0x600
_HEADER = struct.Struct("=IHHII")
_LINK, _ADDRESS = struct.Struct("=BxHiII"), struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_IFLA_ADDRESS, _IFLA_NAME, _IFLA_MTU, _IFLA_INFO = 1, 3, 4, 18
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_UP, _NO_ARP = 0x1, 0x80
#: Whether an interface that is made has no IPv6.
_WITHOUT_IPV6 = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")


def make_pair(near: str, near_mac: bytes, far: str, far_mac: bytes) -> None:
    """Make two interfaces that are the ends of one wire (veth(4)), both up.

    Neither has an address of IP nor asks for any (no ARP, no IPv6): nothing is on the
    wire but what somebody sends.

    Raises:
        OSError: the kernel does not allow it, or has none of that kind.
    """
    if _WITHOUT_IPV6.exists():
        _WITHOUT_IPV6.write_text("1")
    other = _link(0) + _named(far, far_mac)
    veth = _attribute(_INFO_KIND, b"veth") + _attribute(_INFO_DATA, _attribute(_VETH_PEER, other))
    _ask(_NEW_LINK, _MAKES, _link(0) + _named(near, near_mac) + _attribute(_IFLA_INFO, veth))
    for name in (near, far):
        _ask(_NEW_LINK, 0, _link(socket.if_nametoindex(name), _UP | _NO_ARP, _UP | _NO_ARP))


def set_up(name: str, up: bool) -> None:
    """Let an interface be up, or down."""
    _ask(_NEW_LINK, 0, _link(socket.if_nametoindex(name), _UP if up else 0, _UP))


def add_ipv4(name: str, address: str) -> None:
    """Give an interface an IPv4 address with the network that it leads to: ``"10.0.0.1/8"``."""
    at = IPv4Interface(address)
    own = _ADDRESS.pack(socket.AF_INET, at.network.prefixlen, 0, 0, socket.if_nametoindex(name))
    _ask(_NEW_ADDRESS, _MAKES, own + _attribute(_IFA_LOCAL, at.packed) + _attribute(_IFA_ADDRESS, at.packed))


def _named(name: str, mac: bytes) -> bytes:
    most = struct.pack("=I", MOST)
    return _attribute(_IFLA_NAME, name.encode() + b"\0") + _attribute(_IFLA_ADDRESS, mac) + _attribute(_IFLA_MTU, most)


def _link(index: int, flags: int = 0, change: int = 0) -> bytes:
    return _LINK.pack(socket.AF_UNSPEC, 0, index, flags, change)


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def _ask(kind: int, flags: int, what: bytes) -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
        asking.send(_HEADER.pack(_HEADER.size + len(what), kind, _CHANGES | flags, 1, 0) + what)
        answer = asking.recv(1 << 16)
    assert _HEADER.unpack_from(answer)[1] == _ERROR  # which is how it says that all is well, too
    number = -struct.unpack_from("=i", answer, _HEADER.size)[0]
    if number:
        raise OSError(number, os.strerror(number))
