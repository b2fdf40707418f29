"""ICMP echoes as a program sends them, and as routers quote them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from socket import inet_ntoa

from grader.wire.frames import ICMP, IPV4, Packet, Segment, checksum, ipv4

ECHO_REPLY, UNREACHABLE, QUENCH, REDIRECT, ECHO, TIME_EXCEEDED, PARAMETER_PROBLEM = 0, 3, 4, 5, 8, 11, 12
_ETHERNET, _SMALLEST = 14, 20
#: Of a quote, what comes with the IP header at least (RFC 792).
_QUOTED = 8


@dataclass(frozen=True)
class Echo:
    """An echo on its way.

    Attributes:
        source, to: addresses.
        hops: how many it may go: its time to live.
        message: ICMP, from its header on.
        options: of its IP header.
    """

    source: str
    to: str
    hops: int
    message: bytes
    options: bytes = b""

    @property
    def id(self) -> bytes:
        return self.message[4:6]

    @property
    def sequence(self) -> bytes:
        return self.message[6:8]

    @property
    def sum(self) -> int:
        """The checksum that is in it."""
        return int.from_bytes(self.message[2:4], "big")

    @property
    def right_sum(self) -> int:
        """The one that it should have."""
        return checksum(self.message[:2] + bytes(2) + self.message[4:])

    def but(self, *, id: bytes | None = None, sequence: bytes | None = None, **fields: str | bytes) -> Echo:
        """The same with another id, sequence number, destination or options; and with the
        right checksum."""
        identity = (id or self.id) + (sequence or self.sequence)
        other = replace(self, message=self.message[:4] + identity + self.message[8:], **fields)
        summed = other.message[:2] + other.right_sum.to_bytes(2, "big") + other.message[4:]
        return replace(other, message=summed)

    def quoted(self, size: int | None = None) -> bytes:
        """What whoever throws it away quotes of it.

        Args:
            size: how many bytes; by default as many as there have to be.
        """
        packet = ipv4(Segment(ICMP, self.message), source=self.source, to=self.to, ttl=1, options=self.options).data
        return packet[: _SMALLEST + len(self.options) + _QUOTED if size is None else size]

    def replied(self) -> bytes:
        """The rest of the header of a reply to it, and its data."""
        return self.message[4:]


def echo_in(frame: bytes) -> Echo | None:
    """The echo that an Ethernet frame carries, if it carries one over IPv4."""
    packet = frame[_ETHERNET:]
    if frame[12:14] != IPV4.to_bytes(2, "big") or len(packet) < _SMALLEST or packet[9] != ICMP:
        return None
    header, length = packet[0] % 16 * 4, int.from_bytes(packet[2:4], "big")
    message = packet[header:length]
    if len(message) < _QUOTED or message[:2] != bytes([ECHO, 0]):
        return None
    return Echo(inet_ntoa(packet[12:16]), inet_ntoa(packet[16:20]), packet[8], message, packet[_SMALLEST:header])


def spoken(source: str, to: str, message: Segment, options: bytes = b"") -> Packet:
    """A message of ICMP that has come some way."""
    return ipv4(message, source=source, to=to, ttl=61, options=options)
