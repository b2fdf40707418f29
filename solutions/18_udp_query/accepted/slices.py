"""A loop that looks every 20 ms and counts: the next request, the next address, the end."""

import random
import select
import socket
import struct
import time
from contextlib import closing

LOOK = 0.02
_ids = random.SystemRandom()


def query(host, port, question, attempts, seconds):
    if attempts <= 0 or seconds < 0:
        raise ValueError((attempts, seconds))
    ident = _ids.randrange(1 << 16)
    failures = []
    for info in socket.getaddrinfo(host, port, socket.AF_UNSPEC, socket.SOCK_DGRAM):
        try:
            with closing(socket.socket(*info[:3])) as sock:
                sock.connect(info[4])
                return ask(sock, ident, struct.pack("!H", ident) + question, attempts, seconds)
        except OSError as error:
            failures.append(error)
    raise failures[-1]


def ask(sock, ident, request, attempts, seconds):
    asked, due = 0, time.monotonic()
    while True:
        left = due - time.monotonic()
        if left <= 0 and asked == attempts:
            raise TimeoutError
        if left <= 0:
            sock.send(request)
            asked, due = asked + 1, time.monotonic() + seconds
        if select.select([sock], [], [], min(LOOK, max(left, 0)))[0]:
            datagram = sock.recv(65535)
            if len(datagram) >= 2 and struct.unpack_from("!H", datagram)[0] == ident:
                return datagram[2:]
