"""Frames are made here: each field as it should be, or as a check wants it.

A frame is written as it is nested, ``ethernet(ipv4(tcp(b"GET /")))``.  What is not
said is right: types, lengths and checksums follow from what is inside.  What is
said goes in as it is, be it wrong.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_pton

ARP, IPV4, IPV6, VLAN = 0x0806, 0x0800, 0x86DD, 0x8100
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
#: Of the third 16-bit word of an IPv4 header's second row.
DONT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000
#: The names of TCP's flags, the lowest bit first.
FLAGS = "FSRPAUEC"


@dataclass(frozen=True)
class Segment:
    """What an IP packet carries.

    Attributes:
        protocol: its number.
        data: its header, and what follows.
        sum_at: where its checksum stands, which only the packet around it can
            make (the pseudo-header); -1 if there is none to make.
        length: what the pseudo-header calls its length; None for that of data.
        pseudo: whether the pseudo-header is summed over IPv4, too.
    """

    protocol: int
    data: bytes
    sum_at: int = -1
    length: int | None = None
    pseudo: bool = True


@dataclass(frozen=True)
class Packet:
    """What an Ethernet frame carries.

    Attributes:
        kind: its EtherType.
        data: its bytes.
    """

    kind: int
    data: bytes


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of data whose checksum field is zero."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(word for (word,) in struct.iter_unpack("!H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ethernet(
    inside: Packet | bytes,
    *,
    source: str = "02:00:00:00:0a:01",
    to: str = "02:00:00:00:0a:02",
    kind: int | None = None,
    padding: bytes = b"",
) -> bytes:
    """A frame, from the destination's address to the padding, without preamble and
    check sequence."""
    if isinstance(inside, bytes):
        inside = Packet(IPV4, inside)
    addresses = bytes.fromhex((to + source).replace(":", ""))
    return addresses + struct.pack("!H", inside.kind if kind is None else kind) + inside.data + padding


def ipv4(
    inside: Segment | bytes,
    *,
    source: str = "10.0.0.1",
    to: str = "10.0.0.2",
    ttl: int = 64,
    options: bytes = b"",
    version: int = 4,
    words: int | None = None,
    length: int | None = None,
    number: int = 0,
    fragment: int = DONT_FRAGMENT,
    protocol: int | None = None,
    checksum: int | None = None,
) -> Packet:
    """An IPv4 packet.

    Args:
        words: the length of its header in units of 4 bytes (IHL).
        length: its total length.
        number: its identification.
        fragment: flags, and the offset in units of 8 bytes.
    """
    if isinstance(inside, bytes):
        inside = Segment(0xFD, inside)  # a number for experiments (RFC 3692)
    addresses = inet_pton(AF_INET, source) + inet_pton(AF_INET, to)
    data = _summed(inside, addresses if inside.pseudo else None)
    size = 20 + len(options)
    header = struct.pack(
        "!BBHHHBBH",
        version << 4 | (size // 4 if words is None else words),
        0,
        size + len(data) if length is None else length,
        number,
        fragment,
        ttl,
        inside.protocol if protocol is None else protocol,
        0,
    )
    return Packet(IPV4, _with_sum(header + addresses + options, 10, checksum) + data)


def ipv6(
    inside: Segment | bytes,
    *,
    source: str = "2001:db8::1",
    to: str = "2001:db8::2",
    hop: int = 64,
    version: int = 6,
    traffic: int = 0,
    flow: int = 0,
    length: int | None = None,
    protocol: int | None = None,
) -> Packet:
    """An IPv6 packet.

    Args:
        traffic, flow: its traffic class and its flow label.
        length: its payload length.
        protocol: its next header.
    """
    if isinstance(inside, bytes):
        inside = Segment(0xFD, inside)
    addresses = inet_pton(AF_INET6, source) + inet_pton(AF_INET6, to)
    data = _summed(inside, addresses)
    first = version << 28 | traffic << 20 | flow
    size = len(data) if length is None else length
    header = struct.pack("!IHBB", first, size, inside.protocol if protocol is None else protocol, hop)
    return Packet(IPV6, header + addresses + data)


def tcp(
    data: bytes = b"",
    *,
    source: int = 3490,
    to: int = 51000,
    flags: str = "A",
    seq: int = 1,
    ack: int = 2,
    options: bytes = b"",
    words: int | None = None,
    reserved: int = 0,
    window: int = 1024,
    checksum: int | None = None,
) -> Segment:
    """A TCP segment.

    Args:
        words: the length of its header in units of 4 bytes (data offset).
        reserved: the four bits beside it.
    """
    size = 5 + len(options) // 4 if words is None else words
    bits = sum(1 << FLAGS.index(flag) for flag in flags)
    header = struct.pack("!HHIIBBHHH", source, to, seq, ack, size << 4 | reserved, bits, window, checksum or 0, 0)
    return Segment(TCP, header + options + data, 16 if checksum is None else -1)


def udp(
    data: bytes = b"",
    *,
    source: int = 53,
    to: int = 4000,
    length: int | None = None,
    checksum: int | None = None,
) -> Segment:
    """A UDP datagram.

    Args:
        length: its own length field, which the checksum covers.
    """
    size = 8 + len(data) if length is None else length
    header = struct.pack("!HHHH", source, to, size, checksum or 0)
    return Segment(UDP, header + data, 6 if checksum is None else -1, size)


def icmp(
    data: bytes = b"", *, type: int = 8, code: int = 0, rest: bytes = bytes(4), checksum: int | None = None
) -> Segment:
    """An ICMP message.

    Args:
        rest: the second half of its header.
    """
    header = struct.pack("!BBH", type, code, checksum or 0) + rest
    return Segment(ICMP, header + data, 2 if checksum is None else -1, pseudo=False)


def icmpv6(
    data: bytes = b"", *, type: int = 128, code: int = 0, rest: bytes = bytes(4), checksum: int | None = None
) -> Segment:
    """An ICMPv6 message, which has a pseudo-header."""
    header = struct.pack("!BBH", type, code, checksum or 0) + rest
    return Segment(ICMPV6, header + data, 2 if checksum is None else -1)


def _summed(segment: Segment, addresses: bytes | None) -> bytes:
    """The bytes of a segment between those addresses, its checksum made."""
    data, at = segment.data, segment.sum_at
    if at < 0:
        return data
    length = len(data) if segment.length is None else segment.length
    # Both families' pseudo-headers have the same sum: IPv6 has only more zeros in it.
    pseudo = b"" if addresses is None else addresses + struct.pack("!HI", segment.protocol, length)
    made = checksum(pseudo + data[:length])
    if segment.protocol == UDP and made == 0:
        made = 0xFFFF  # 0 says that there is none (RFC 768)
    return _with_sum(data, at, made)


def _with_sum(data: bytes, at: int, given: int | None) -> bytes:
    """Bytes with a checksum in them: that one, or their own."""
    made = checksum(data) if given is None else given
    return data[:at] + struct.pack("!H", made) + data[at + 2 :]
