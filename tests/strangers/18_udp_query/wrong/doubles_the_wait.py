# expect: fail
# gap: other
# cause: Each wait is twice as long as the one before.
# shows: The second request is lost, too.
# says: is to be sent again 60 s after that
import os
import socket
import time
from contextlib import suppress

LARGEST = 65536  # more than any datagram has


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
    request = os.urandom(2) + question
    candidates = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    for family, kind, protocol, _, address in candidates:
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as failure:
            error = failure
            continue
        try:
            # Connected, it hears this address alone, and is told of refusals.
            sock.connect(address)
            return ask(sock, request, attempts, seconds)
        except OSError as failure:
            error = failure
        finally:
            sock.close()
    raise error


def ask(sock: socket.socket, request: bytes, attempts: int, seconds: float) -> bytes:
    """Ask one address, up to so many times; an answer to any request counts."""
    for _ in range(attempts):
        sock.send(request)
        with suppress(TimeoutError):
            return answer_within(seconds, sock, request[:2])
        seconds *= 2
    raise TimeoutError("no answer")


def answer_within(seconds: float, sock: socket.socket, number: bytes) -> bytes:
    """Wait for the answer with that id."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        datagram = sock.recv(LARGEST)
        if datagram[:2] == number:
            return datagram[2:]
    raise TimeoutError("no answer in time")
