# expect: fail
# gap: any-icmp
# cause: Time exceeded counts with code 1, too, which is about fragments.
# shows: A fragment is lost somewhere.
"""Its own IP headers (IP_HDRINCL), poll(), and a sequence number of its own for each try."""

import os
import select
import socket
import struct
from math import ceil
from time import monotonic


def traceroute(host: str, max_hops: int, seconds: float) -> list[str]:
    if max_hops not in range(1, 256):
        raise ValueError("max_hops")
    if seconds < 0:
        raise ValueError("seconds")
    found = socket.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    try:
        raw.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
        raw.setblocking(False)
        while found:
            tracer = Tracer(raw, found.pop(0)[4][0], seconds)
            try:
                return tracer.run(max_hops)
            except OSError:
                if tracer.sequence > 0 or not found:
                    raise
    finally:
        raw.close()
    raise AssertionError("there is no list without an address")


def ones_sum(data: bytes) -> int:
    total = sum(data[0::2]) * 256 + sum(data[1::2])
    return total % 0xFFFF


class Tracer:
    def __init__(self, raw: socket.socket, target: str, seconds: float) -> None:
        self.raw, self.target, self.seconds = raw, target, seconds
        self.id = os.getpid() & 0xFFFF
        self.sequence = 0
        self.poll = select.poll()
        self.poll.register(raw, select.POLLIN)

    def run(self, max_hops: int) -> list[str]:
        lines = []
        for ttl in range(1, max_hops + 1):
            who, kind = self.hop(ttl)
            lines.append(f"{ttl} {who}!" if kind == 3 else f"{ttl} {who}")
            if kind in (0, 3):
                break
        return lines

    def hop(self, ttl: int) -> tuple[str, int]:
        own: set[int] = set()
        for _attempt in (1, 2, 3):
            self.send(ttl, self.sequence + 1)
            self.sequence += 1
            own.add(self.sequence)
            until = monotonic() + self.seconds
            while True:
                rest = until - monotonic()
                if rest <= 0:
                    break
                if not self.poll.poll(ceil(rest * 1000)):
                    continue
                try:
                    data, (source, _) = self.raw.recvfrom(4096)
                except BlockingIOError:
                    continue
                kind = self.understood(data, source, own)
                if kind is not None:
                    return source, kind
        return "*", -1

    def send(self, ttl: int, sequence: int) -> None:
        body = struct.pack("!HH", self.id, sequence)
        total = (ones_sum(body) + 0x0800) % 0xFFFF
        echo = struct.pack("!BBH", 8, 0, 0xFFFF - total) + body
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, ttl, 1, 0, bytes(4), socket.inet_aton(self.target))
        self.raw.sendto(head + echo, (self.target, 0))

    def understood(self, data: bytes, source: str, own: set[int]) -> int | None:
        icmp = data[(data[0] & 0xF) << 2 :]
        if len(icmp) < 8:
            return None
        kind, code, _sum, number, sequence = struct.unpack("!BBHHH", icmp[:8])
        if kind == 0:
            return 0 if source == self.target and number == self.id and sequence in own else None
        if kind not in (3, 11):
            return None
        quote = icmp[8:]
        if len(quote) < 20:
            return None
        inner = quote[(quote[0] & 0xF) << 2 :]
        if len(inner) < 8 or socket.inet_ntoa(quote[16:20]) != self.target:
            return None
        number, sequence = struct.unpack("!HH", inner[4:8])
        return kind if number == self.id and sequence in own else None
