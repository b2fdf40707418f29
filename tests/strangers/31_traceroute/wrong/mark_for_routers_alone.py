# expect: fail
# gap: other
# cause: The host's own unreachable gets no mark.
# shows: The host says that it does not know the protocol.
# says: returned '2 10.9.0.9' as item 2 of 2; expected '2 10.9.0.9!'
"""Which routers lead to a host: echoes that may go one hop, then two, and so on."""

import os
import socket
import struct
import time
from collections.abc import Iterator

ECHO_REPLY, UNREACHABLE, ECHO, TIME_EXCEEDED = 0, 3, 8, 11
TRIES = 3
PAYLOAD = b"thirteen bytes"
LARGEST = 65536  # more than any packet has


def traceroute(host: str, max_hops: int, seconds: float) -> list[str]:
    """Return a line for each hop: its number and who answers there, * for nobody.

    Raises:
        ValueError: no hop, more than 255, or a negative time limit.
        socket.gaierror: the name is unknown.
        OSError: no address can be probed (the error of the last one).
    """
    if not 1 <= max_hops <= 255 or seconds < 0:
        raise ValueError("not from 1 to 255 hops, or a negative time limit")
    candidates = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        for *_, (target, _port) in candidates:
            try:
                return list(trace(sock, target, max_hops, seconds))
            except OSError as failure:
                error = failure
    raise error


def trace(sock: socket.socket, target: str, max_hops: int, seconds: float) -> Iterator[str]:
    """Ask one hop after the other, until one of them is the last."""
    number = os.urandom(2)
    for hop in range(1, max_hops + 1):
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hop)
        kind, router = ask(sock, target, number + struct.pack("!H", hop), seconds)
        yield f"{hop} {router}{'!' if kind == UNREACHABLE and router != target else ''}"
        if kind in (ECHO_REPLY, UNREACHABLE):
            break


def ask(sock: socket.socket, target: str, identity: bytes, seconds: float) -> tuple[int | None, str]:
    """Send an echo up to three times; returns what is said of it, and by whom."""
    for _ in range(TRIES):
        sock.sendto(echo(identity), (target, 0))
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                packet = sock.recv(LARGEST)
            except TimeoutError:
                break
            if answer := answer_to(identity, target, packet):
                return answer
    return None, "*"


def echo(identity: bytes) -> bytes:
    """An ICMP echo with that id and sequence number."""
    unsummed = struct.pack("!BBH", ECHO, 0, 0) + identity + PAYLOAD
    return struct.pack("!BBH", ECHO, 0, checksum(unsummed)) + identity + PAYLOAD


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total = sum(word for (word,) in struct.iter_unpack("!H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return total ^ 0xFFFF


def answer_to(identity: bytes, target: str, packet: bytes) -> tuple[int, str] | None:
    """What a packet says of the echo with that identity, and who says it."""
    router, _, message = opened(packet)
    kind, code = message[0], message[1]
    if kind == ECHO_REPLY:
        asked, said = router, message
    elif kind == UNREACHABLE or (kind == TIME_EXCEEDED and code == 0):
        # Whoever throws a packet away quotes its beginning.
        _, asked, said = opened(message[8:])
    else:
        return None
    if asked != socket.inet_aton(target) or said[4:8] != identity:
        return None
    return kind, socket.inet_ntoa(router)


def opened(packet: bytes) -> tuple[bytes, bytes, bytes]:
    """The source, the destination and the content of an IPv4 packet, as far as it goes."""
    length = int.from_bytes(packet[:1]) % 16 * 4
    return packet[12:16], packet[16:20], packet[length:]
