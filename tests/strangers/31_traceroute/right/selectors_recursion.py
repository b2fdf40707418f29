# expect: pass
# gap: none
# cause: One hop after the other by recursion, a socket for each, waits by selectors, and times in the data.
# shows: never
import random
import selectors
import struct
import time
from dataclasses import dataclass
from socket import AF_INET, IP_TTL, IPPROTO_ICMP, IPPROTO_IP, SOCK_RAW, getaddrinfo, inet_aton, socket


@dataclass(frozen=True)
class Probe:
    ident: int
    sequence: int

    def packet(self):
        body = struct.pack("!HHd", self.ident, self.sequence, time.perf_counter())
        s = 0x0800 + sum(struct.unpack("!6H", body))
        while s > 0xFFFF:
            s = (s & 0xFFFF) + (s >> 16)
        return struct.pack("!BBH", 8, 0, s ^ 0xFFFF) + body

    def matches(self, icmp):
        return len(icmp) >= 8 and struct.unpack("!HH", icmp[4:8]) == (self.ident, self.sequence)


def strip(packet):
    return packet[4 * (packet[0] % 16) :] if packet else b""


def verdict(probes, target, packet, source):
    icmp = strip(packet)
    if len(icmp) < 8:
        return None
    match icmp[0], icmp[1]:
        case 0, _ if source == target:
            echo, result = icmp, "host"
        case 3, _ if icmp[24:28] == inet_aton(target):
            echo, result = strip(icmp[8:]), "dead end"
        case 11, 0 if icmp[24:28] == inet_aton(target):
            echo, result = strip(icmp[8:]), "router"
        case _:
            return None
    return result if any(probe.matches(echo) for probe in probes) else None


def one_hop(target, ttl, seconds):
    ident = random.getrandbits(16)
    sent = []
    with socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) as sock, selectors.DefaultSelector() as selector:
        sock.setsockopt(IPPROTO_IP, IP_TTL, ttl)
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
        for attempt in range(3):
            sent.append(Probe(ident, ttl * 4 + attempt))
            sock.sendto(sent[-1].packet(), (target, 0))
            until = time.monotonic() + seconds
            while until > (now := time.monotonic()):
                for _key, _events in selector.select(until - now):
                    try:
                        packet, (source, _) = sock.recvfrom(1 << 16)
                    except BlockingIOError:
                        continue
                    if said := verdict(sent, target, packet, source):
                        return source, said
    return "*", "nothing"


def hops(target, ttl, max_hops, seconds):
    if ttl > max_hops:
        return []
    who, said = one_hop(target, ttl, seconds)
    line = f"{ttl} {who}" + ("!" if said == "dead end" else "")
    rest = [] if said in ("host", "dead end") else hops(target, ttl + 1, max_hops, seconds)
    return [line, *rest]


def traceroute(host, max_hops, seconds):
    if max_hops <= 0 or max_hops > 255:
        raise ValueError("max_hops")
    if seconds < 0:
        raise ValueError("seconds")
    addresses = [entry[4][0] for entry in getaddrinfo(host, None, AF_INET, SOCK_RAW, IPPROTO_ICMP)]
    for number, address in enumerate(addresses):
        try:
            return hops(address, 1, max_hops, seconds)
        except OSError:
            if number == len(addresses) - 1:
                raise
