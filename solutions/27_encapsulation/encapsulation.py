"""A captured frame, peeled: a line for each layer, and one for what is left."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_ntop

IPV4, IPV6 = 0x0800, 0x86DD
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58


@dataclass
class Payload:
    """What an IP packet carries."""

    version: int
    addresses: bytes
    protocol: int
    length: int
    data: bytes  # as much of length as was captured
    is_piece: bool = False  # of a datagram that was cut into fragments

    def lacks(self, size: int) -> str:
        """Why a header of that size is not there; "" if it is."""
        if self.length < size:
            return "malformed"
        if len(self.data) < size:
            return "truncated"
        return ""


def peel(frame: bytes) -> list[str]:
    """Tell of each layer of an Ethernet frame in a line, and in the last of what is left."""
    return list(peel_ethernet(frame))


def peel_ethernet(frame: bytes) -> Iterator[str]:
    if len(frame) < 14:
        yield "truncated"
        return
    to, source, kind = struct.unpack("!6s6sH", frame[:14])
    yield f"ethernet {source.hex(':')} > {to.hex(':')}"
    if kind == IPV4:
        yield from peel_ipv4(frame[14:])
    elif kind == IPV6:
        yield from peel_ipv6(frame[14:])
    else:
        yield f"payload {len(frame) - 14}"


def peel_ipv4(packet: bytes) -> Iterator[str]:
    if len(packet) < 20:
        yield "truncated"
        return
    first, total, fragment, ttl, protocol = struct.unpack("!BxH2xHBB", packet[:10])
    header = (first & 0x0F) * 4
    if first >> 4 != 4 or not 20 <= header <= total:
        yield "malformed"
        return
    if len(packet) < header:
        yield "truncated"
        return
    yield f"ipv4 {inet_ntop(AF_INET, packet[12:16])} > {inet_ntop(AF_INET, packet[16:20])} ttl {ttl}"
    if checksum(packet[:header]) != 0:
        yield "checksum bad"
    offset, more = fragment & 0x1FFF, bool(fragment & 0x2000)
    inside = Payload(4, packet[12:20], protocol, total - header, packet[header:total], more)
    if offset != 0:
        yield from peel_rest(inside)
    else:
        yield from peel_transport(inside)


def peel_ipv6(packet: bytes) -> Iterator[str]:
    if len(packet) < 40:
        yield "truncated"
        return
    first, length, protocol, hop = struct.unpack("!B3xHBB", packet[:8])
    if first >> 4 != 6:
        yield "malformed"
        return
    yield f"ipv6 {inet_ntop(AF_INET6, packet[8:24])} > {inet_ntop(AF_INET6, packet[24:40])} hop {hop}"
    yield from peel_transport(Payload(6, packet[8:40], protocol, length, packet[40 : 40 + length]))


def peel_transport(inside: Payload) -> Iterator[str]:
    if inside.protocol == TCP:
        yield from peel_tcp(inside)
    elif inside.protocol == UDP:
        yield from peel_udp(inside)
    elif (inside.version, inside.protocol) in ((4, ICMP), (6, ICMPV6)):
        yield from peel_icmp(inside)
    else:
        yield from peel_rest(inside)


def peel_tcp(inside: Payload) -> Iterator[str]:
    if missing := inside.lacks(20):
        yield missing
        return
    source, to, seq, ack, words, bits = struct.unpack("!HHIIBB", inside.data[:14])
    header = (words >> 4) * 4
    if missing := "malformed" if header < 20 else inside.lacks(header):
        yield missing
        return
    flags = "".join(name for bit, name in enumerate("FSRPAUEC") if bits >> bit & 1) or "-"
    yield f"tcp {source} > {to} flags {flags} seq {seq} ack {ack}"
    yield from judge_checksum(inside, inside.length)
    yield from peel_rest(inside, header)


def peel_udp(inside: Payload) -> Iterator[str]:
    if missing := inside.lacks(8):
        yield missing
        return
    source, to, length, check = struct.unpack("!HHHH", inside.data[:8])
    if length < 8 or (length > inside.length and not inside.is_piece):
        yield "malformed"
        return
    yield f"udp {source} > {to}"
    if check != 0 or inside.version == 6:  # over IPv4, 0 says that there is none
        yield from judge_checksum(inside, length)
    yield from peel_rest(inside, 8, length)


def peel_icmp(inside: Payload) -> Iterator[str]:
    if missing := inside.lacks(8):
        yield missing
        return
    yield f"icmp type {inside.data[0]} code {inside.data[1]}"
    yield from judge_checksum(inside, inside.length)
    yield from peel_rest(inside, 8)


def peel_rest(inside: Payload, header: int = 0, length: int | None = None) -> Iterator[str]:
    """Tell how much stands behind a header, of length bytes or of all."""
    if len(inside.data) < inside.length:
        yield "truncated"
    else:
        yield f"payload {min(length or inside.length, inside.length) - header}"


def judge_checksum(inside: Payload, length: int) -> Iterator[str]:
    """Tell of a wrong checksum over length bytes, if all of them are here."""
    if inside.is_piece or len(inside.data) < length:
        return
    data = inside.data[:length]
    if inside.protocol != ICMP:  # the pseudo-header: for both versions the sum is the same
        data = inside.addresses + struct.pack("!HI", inside.protocol, length) + data
    if checksum(data) != 0:
        yield "checksum bad"


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071); 0 of data that has the right one in it."""
    data += b"\0" * (len(data) % 2)  # the last, odd byte is the upper half of a word
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
