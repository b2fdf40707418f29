# expect: fail
# gap: other
# cause: Each request is sent from a socket of its own; what comes to an earlier one is lost.
# shows: The answer to the first request comes after the second one.
# says: the request is sent again from another socket: an answer to the one before goes to `sock`
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
        sock.close()
        for _ in range(attempts):
            try:
                with socket.socket(family, kind, protocol) as sock:
                    sock.connect(address)
                    return ask(sock, request, 1, seconds)
            except TimeoutError as failure:
                error = failure
            except OSError as failure:
                error = failure
                break
    raise error


def ask(sock: socket.socket, request: bytes, attempts: int, seconds: float) -> bytes:
    """Ask one address, up to so many times; an answer to any request counts."""
    for _ in range(attempts):
        sock.send(request)
        with suppress(TimeoutError):
            return answer_within(seconds, sock, request[:2])
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
