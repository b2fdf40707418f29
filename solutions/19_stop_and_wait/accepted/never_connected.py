"""Sockets that are never connected, so that no refusal is told; it compares addresses itself.
A generator yields what may be heard until a moment."""

import itertools
import select
import socket
from time import monotonic

BITS = (b"\0", b"\1")


def heard(sock, until=(None,)):
    """Datagrams with where they come from, until the moment in that list, which may move."""
    waiter = select.epoll()
    with waiter:
        waiter.register(sock, select.EPOLLIN)
        while (end := until[0]) is None or monotonic() < end:
            left = None if end is None else end - monotonic()
            for _ in waiter.poll(left):
                try:
                    yield sock.recvfrom(2000, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    continue


class Stream:
    def __init__(self, info, seconds):
        self.socket = socket.socket(info[0], info[1], info[2])
        self.there, self.seconds, self.is_known = info[4], seconds, False

    def put(self, bit, piece):
        for _ in range(40):
            self.socket.sendto(BITS[0] + bit + piece, self.there)
            until = [monotonic() + self.seconds]
            if any(what == (BITS[1] + bit, self.there) for what in heard(self.socket, until)):
                self.is_known = True
                return
        raise TimeoutError(f"{self.there[0]} is silent")


def send_reliably(host, port, data, seconds):
    if seconds < 0:
        raise ValueError(seconds)
    addresses = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)
    for number, info in enumerate(addresses, 1):
        stream = None
        try:
            stream = Stream(info, seconds)
            starts = range(0, len(data) + 512, 512) if len(data) % 512 else range(0, len(data) + 1, 512)
            for bit, start in zip(itertools.cycle(BITS), starts):
                stream.put(bit, data[start : start + 512])
            return
        except OSError:
            if number == len(addresses) or (stream and stream.is_known):
                raise
        finally:
            if stream:
                stream.socket.close()


def recv_reliably(port, seconds):
    if seconds < 0:
        raise ValueError(seconds)
    [info, *_] = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_DGRAM, 0, socket.AI_PASSIVE)
    sock = socket.socket(*info[:3])
    try:
        sock.bind(info[4])
        sender, turns, pieces = None, itertools.cycle(BITS), []
        expected = next(turns)
        for datagram, source in heard(sock):
            kind, bit, piece = datagram[:1], datagram[1:2], datagram[2:]
            if kind != BITS[0] or bit not in BITS or len(piece) > 512 or source != (sender or source):
                continue
            if sender is None and bit == BITS[1]:
                continue
            sender = source
            sock.sendto(BITS[1] + bit, source)
            if bit == expected:
                pieces.append(piece)
                expected = next(turns)
                if not piece:
                    break
        until = [monotonic() + seconds]
        for what in heard(sock, until):
            if what == (BITS[0] + bit, sender):
                sock.sendto(BITS[1] + bit, sender)
                until[0] = monotonic() + seconds
        return b"".join(pieces)
    finally:
        sock.close()
