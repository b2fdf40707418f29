"""Ask a datagram server: send, wait, send again, and know the answer for one's own."""

import os
import socket
from contextlib import suppress

LARGEST = 512


def query(host: str, port: str, question: bytes, attempts: int, seconds: float) -> bytes:
    """Return the answer of the first address that gives one.

    Raises:
        ValueError: fewer attempts than one, or a negative time limit.
        socket.gaierror: the name or the service is unknown.
        TimeoutError: the last address does not answer.
        OSError: no address answers (the error of the last one).
    """
    if attempts < 1 or seconds < 0:
        raise ValueError("fewer attempts than one, or a negative time limit")
    candidates = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    for family, kind, protocol, _, address in candidates:
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as failure:
            error = failure
            continue
        try:
            return ask(sock, address, question, attempts, seconds)
        except OSError as failure:
            error = failure
    raise error


def ask(sock: socket.socket, address: tuple, question: bytes, attempts: int, seconds: float) -> bytes:
    """Ask one address, up to so many times; an answer to any request counts."""
    request = os.urandom(2) + question
    sock.sendto(request, address)
    for _ in range(attempts):
        with suppress(TimeoutError):
            return answer_within(seconds, sock)
    raise TimeoutError("no answer")


def answer_within(seconds: float, sock: socket.socket) -> bytes:
    """Wait for the answer."""
    sock.settimeout(seconds)
    while True:
        try:
            datagram = sock.recv(LARGEST)
        except ConnectionRefusedError:
            continue
        if len(datagram) >= 2:
            return datagram[2:]
