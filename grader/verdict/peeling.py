"""A frame peeled with mistakes: which of them explain what a program has answered.

`peel` does what the contract of 27_encapsulation says, but for the mistakes that it
is told to make.  An answer that comes of one mistake, or of few together, proves them.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from socket import AF_INET, AF_INET6, inet_ntop

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
#: So many mistakes at once are looked for.
_MOST = 3
#: A mistake, its gap, and what the program does.  The order is that of the layers.
MISTAKES = {
    "bad sum ends": ("", "it goes no further behind a bad checksum of IPv4"),
    "ip header": ("fixed-header", "it takes the IPv4 header for 20 bytes, whatever its length field says"),
    "rest of frame": ("ethernet-padding", "it takes all that stands behind the IP header for its payload"),
    "carries lost": ("carry-lost", "it drops the carries of the sum, which are to be added at its other end"),
    "one fold": ("carry-lost", "it adds the carries of the sum back once, and that can carry again"),
    "odd byte low": ("odd-byte", "it adds the last, odd byte as the lower half of a word, and not as the upper"),
    "odd byte lost": ("odd-byte", "it leaves the last, odd byte out of the sum"),
    "whole is fragment": ("", "it takes the flag DF, which forbids to cut a packet, for the place of a fragment"),
    "later fragment": ("fragment", "it reads a transport header in a fragment that is not the first"),
    "first fragment": ("fragment", "it judges a checksum of whose bytes a first fragment has only some"),
    "any icmp": ("", "it knows ICMP and ICMPv6 over either IP; each is of one alone"),
    "cut at ip": ("", "it looks no further into a packet that was cut, although the next header was captured"),
    "cut before room": ("", "it looks at what was captured before it knows that there is no room for a header"),
    "ports": ("host-order-field", "it reads the ports in the byte order of this machine"),
    "numbers": ("host-order-field", "it reads seq and ack in the byte order of this machine"),
    "tcp header": ("fixed-header", "it takes the TCP header for 20 bytes, whatever its length field says"),
    "no pseudo-header": ("no-pseudo-header", "it sums without the pseudo-header"),
    "no pseudo-header of IPv6": ("no-pseudo-header", "it sums without the pseudo-header over IPv6"),
    "pseudo-header of ICMP": ("", "it sums a pseudo-header for ICMP over IPv4, which has none"),
    "length of first fragment": ("", "in a first fragment the length of UDP is that of the whole datagram"),
    "sum of the packet": ("", "it sums UDP to the end of the IP packet; the length of UDP says how much is summed"),
    "own length is enough": ("", "it looks at the length of UDP alone; the IP packet goes on, and was cut"),
    "zero is wrong": ("zero-checksum", "over IPv4 a UDP checksum of 0 says that there is none"),
    "zero over IPv6": ("", "over IPv6 a UDP checksum of 0 is a wrong one"),
    "zero is none": ("", "only a UDP checksum of 0 says that there is none"),
    "sum of a part": ("over-read", "it judges a checksum although not all summed bytes were captured"),
    "believed length": ("over-read", "it counts bytes that a header tells of and that were not captured"),
}


def explanation(answers: list[tuple[bytes, list[str]]]) -> str:
    """The mistake behind the last of these answers, each with its frame; ``""`` where
    there is none, or it may be another one, too.

    Whoever makes a mistake makes it every time: those before have to agree.
    """
    if sys.byteorder == "big":
        return ""  # where the orders are the same, nobody mixes them up
    for count in range(1, _MOST + 1):
        made = [
            each
            for each in combinations(MISTAKES, count)
            if all(peel(frame, each) == answer for frame, answer in reversed(answers))
        ]
        if made:
            gaps = {frozenset(MISTAKES[name][0] or name for name in each) for each in made}
            return made[0][0] if len(gaps) == 1 else ""
    return ""


@dataclass
class _Inside:
    """What an IP packet carries."""

    version: int
    addresses: bytes
    protocol: int
    length: int
    data: bytes
    is_first: bool = field(default=False)


class _Peeler:
    def __init__(self, made: Iterable[str]) -> None:
        self._made = frozenset(made)

    def ethernet(self, frame: bytes) -> Iterator[str]:
        if len(frame) < 14:
            yield "truncated"
            return
        kind, packet = frame[12:14], frame[14:]
        yield f"ethernet {frame[6:12].hex(':')} > {frame[:6].hex(':')}"
        if kind == b"\x08\x00":
            yield from self._ipv4(packet)
        elif kind == b"\x86\xdd":
            yield from self._ipv6(packet)
        else:
            yield f"payload {len(packet)}"

    def _ipv4(self, packet: bytes) -> Iterator[str]:
        if len(packet) < 20:
            yield "truncated"
            return
        first, total, flags, ttl, protocol = struct.unpack("!BxH2xHBB", packet[:10])
        header = 20 if "ip header" in self._made else (first & 15) * 4
        if first >> 4 != 4 or not 20 <= header <= total:
            yield "malformed"
            return
        if len(packet) < header:
            yield "truncated"
            return
        yield f"ipv4 {inet_ntop(AF_INET, packet[12:16])} > {inet_ntop(AF_INET, packet[16:20])} ttl {ttl}"
        if bad := list(self._sum(packet[:header], 10)):
            yield from bad
            if "bad sum ends" in self._made:
                return
        if "rest of frame" in self._made:
            total = len(packet)
        inside = _Inside(4, packet[12:20], protocol, total - header, packet[header:total], bool(flags & 0x2000))
        if (flags & 0x1FFF and "later fragment" not in self._made) or (flags and "whole is fragment" in self._made):
            yield from self._rest(inside, 0, inside.length)
        else:
            yield from self._transport(inside)

    def _ipv6(self, packet: bytes) -> Iterator[str]:
        if len(packet) < 40:
            yield "truncated"
            return
        length, protocol, hop = struct.unpack("!HBB", packet[4:8])
        if packet[0] >> 4 != 6:
            yield "malformed"
            return
        yield f"ipv6 {inet_ntop(AF_INET6, packet[8:24])} > {inet_ntop(AF_INET6, packet[24:40])} hop {hop}"
        if "rest of frame" in self._made:
            length = len(packet) - 40
        yield from self._transport(_Inside(6, packet[8:40], protocol, length, packet[40 : 40 + length]))

    def _transport(self, inside: _Inside) -> Iterator[str]:
        icmp = [ICMP, ICMPV6] if "any icmp" in self._made else [ICMP if inside.version == 4 else ICMPV6]
        kinds = {TCP: (self._tcp, 20), UDP: (self._udp, 8), **dict.fromkeys(icmp, (self._icmp, 8))}
        peel, size = kinds.get(inside.protocol, (None, 0))
        is_cut = len(inside.data) < inside.length
        if peel is None or (is_cut and "cut at ip" in self._made):
            yield from self._rest(inside, 0, inside.length)
        elif inside.length < size and not ("cut before room" in self._made and len(inside.data) < size):
            yield "malformed"
        elif len(inside.data) < size:
            yield "truncated"
        else:
            yield from peel(inside)

    def _tcp(self, inside: _Inside) -> Iterator[str]:
        data = inside.data
        source, to = struct.unpack("=HH" if "ports" in self._made else "!HH", data[:4])
        seq, ack = struct.unpack("=II" if "numbers" in self._made else "!II", data[4:12])
        header = 20 if "tcp header" in self._made else (data[12] >> 4) * 4
        if not 20 <= header <= inside.length:
            yield "malformed"
        elif len(data) < header:
            yield "truncated"
        else:
            flags = "".join(name for bit, name in enumerate("FSRPAUEC") if data[13] >> bit & 1) or "-"
            yield f"tcp {source} > {to} flags {flags} seq {seq} ack {ack}"
            yield from self._sum_inside(inside, 16, inside.length)
            yield from self._rest(inside, header, inside.length)

    def _udp(self, inside: _Inside) -> Iterator[str]:
        source, to = struct.unpack("=HH" if "ports" in self._made else "!HH", inside.data[:4])
        length, check = struct.unpack("!HH", inside.data[4:8])
        may_exceed = inside.is_first and "length of first fragment" not in self._made
        if length < 8 or (length > inside.length and not may_exceed):
            yield "malformed"
            return
        yield f"udp {source} > {to}"
        judges_zero = "zero is wrong" in self._made if inside.version == 4 else "zero over IPv6" not in self._made
        if check or judges_zero:
            yield from self._sum_inside(inside, 6, inside.length if "sum of the packet" in self._made else length)
        if len(inside.data) >= length and "own length is enough" in self._made:
            yield f"payload {length - 8}"
        else:
            yield from self._rest(inside, 8, min(length, inside.length))

    def _icmp(self, inside: _Inside) -> Iterator[str]:
        yield f"icmp type {inside.data[0]} code {inside.data[1]}"
        yield from self._sum_inside(inside, 2, inside.length)
        yield from self._rest(inside, 8, inside.length)

    def _rest(self, inside: _Inside, header: int, length: int) -> Iterator[str]:
        is_cut = len(inside.data) < inside.length and "believed length" not in self._made
        yield "truncated" if is_cut else f"payload {length - header}"

    def _sum_inside(self, inside: _Inside, at: int, length: int) -> Iterator[str]:
        """The verdict on a transport's checksum, which stands at that place."""
        if inside.is_first and "first fragment" not in self._made:
            return
        if len(inside.data) < length and "sum of a part" not in self._made:
            return
        has_pseudo = inside.protocol != ICMP or "pseudo-header of ICMP" in self._made
        if "no pseudo-header" in self._made or ("no pseudo-header of IPv6" in self._made and inside.version == 6):
            has_pseudo = False
        pseudo = inside.addresses + struct.pack("!HI", inside.protocol, length) if has_pseudo else b""
        is_udp = inside.protocol == UDP
        yield from self._sum(pseudo + inside.data[:length], len(pseudo) + at, may_be_none=not is_udp)

    def _sum(self, data: bytes, at: int, *, may_be_none: bool = True) -> Iterator[str]:
        (found,) = struct.unpack_from("!H", data, at)
        if found == 0 and may_be_none and "zero is none" in self._made:
            return
        total = sum(word for (word,) in struct.iter_unpack("!H", data[: len(data) & ~1])) - found
        if len(data) % 2 and "odd byte lost" not in self._made:
            total += data[-1] if "odd byte low" in self._made else data[-1] << 8
        if "carries lost" in self._made:
            made = ~total & 0xFFFF
        elif "one fold" in self._made:
            made = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        else:
            made = 0xFFFF - (total and (total - 1) % 0xFFFF + 1)
        if made != found and (made, found) != (0, 0xFFFF):
            yield "checksum bad"


def peel(frame: bytes, made: Iterable[str] = ()) -> list[str]:
    """A line for each layer of a frame, from a program that makes these mistakes."""
    return list(_Peeler(made).ethernet(frame))
