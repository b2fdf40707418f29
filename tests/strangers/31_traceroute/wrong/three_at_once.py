# expect: fail
# gap: other
# cause: All three tries are sent at the same moment.
# shows: always
# says: sendto() sends an echo that may go 1 hop; expected one that may go 2
"""A thread that receives, and puts what may be an answer into a queue."""

import contextlib
import os
import queue
import select
import socket
import struct
import threading
import time
from typing import NamedTuple

ATTEMPTS = 3


class Heard(NamedTuple):
    source: str
    kind: int
    asked: str
    id: int
    sequence: int


def parse(packet: bytes) -> Heard | None:
    words = packet[0] & 0x0F
    source = socket.inet_ntoa(packet[12:16])
    kind, code = struct.unpack_from("BB", packet, words * 4)
    if kind == 0:
        asked, where = source, words * 4
    elif kind == 3 or (kind == 11 and code == 0):
        quote = words * 4 + 8
        asked = socket.inet_ntoa(packet[quote + 16 : quote + 20])
        where = quote + (packet[quote] & 0x0F) * 4
    else:
        return None
    return Heard(source, kind, asked, *struct.unpack_from("!HH", packet, where + 4))


def listen(sock: socket.socket, stop: int, heard: queue.Queue) -> None:
    while True:
        readable, _, _ = select.select([sock, stop], [], [])
        if stop in readable:
            return
        try:
            packet = sock.recv(65535)
        except OSError as error:
            heard.put(error)
            return
        with contextlib.suppress(IndexError, struct.error, OSError):
            if one := parse(packet):
                heard.put(one)


def probe(sock: socket.socket, target: str, number: int, sequence: int) -> None:
    head = struct.pack("!BBHHH", 8, 0, 0, number, sequence)
    total = sum(struct.unpack("!4H", head))
    total = (total >> 16) + (total & 0xFFFF)
    sock.sendto(head[:2] + struct.pack("!H", total ^ 0xFFFF) + head[4:], (target, 0))


def ask(sock: socket.socket, heard: queue.Queue, target: str, number: int, hop: int, seconds: float) -> Heard | None:
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hop)
    wanted = range(hop * ATTEMPTS, hop * ATTEMPTS + ATTEMPTS)
    for sequence in wanted:
        probe(sock, target, number, sequence)
    for sequence in wanted:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                one = heard.get(timeout=left)
            except queue.Empty:
                break
            if isinstance(one, OSError):
                raise one
            if one.asked == target and one.id == number and one.sequence in wanted:
                return one
    return None


def traceroute(host: str, max_hops: int, seconds: float) -> list[str]:
    if not 0 < max_hops < 256 or seconds < 0:
        raise ValueError
    last = None
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        for _, _, _, _, (target, _) in socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_RAW):
            try:
                return trace(sock, target, max_hops, seconds)
            except OSError as error:
                last = error
    raise last


def trace(sock: socket.socket, target: str, max_hops: int, seconds: float) -> list[str]:
    number, lines = int.from_bytes(os.urandom(2)), []
    heard: queue.Queue = queue.Queue()
    stop, end = os.pipe()
    listener = threading.Thread(target=listen, args=(sock, stop, heard))
    try:
        listener.start()
        for hop in range(1, max_hops + 1):
            one = ask(sock, heard, target, number, hop, seconds)
            lines.append(f"{hop} *" if one is None else f"{hop} {one.source}{'!' * (one.kind == 3)}")
            if one is not None and one.kind != 11:
                return lines
    finally:
        os.close(end)
        if listener.ident is not None:
            listener.join()
        os.close(stop)
    return lines
