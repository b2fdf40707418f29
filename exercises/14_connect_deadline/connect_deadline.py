"""Connect within a time limit: one deadline for all addresses together."""

import errno
import os
import select
import socket
import time


def connect_within(host: str, port: str, seconds: float) -> socket.socket:
    """Return a blocking socket, connected to the first address that accepts.

    Raises:
        socket.gaierror: the name or the service is unknown.
        TimeoutError: the time is up.
        OSError: no address accepts (the error of the last one).
    """
    candidates = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in candidates:
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as failure:
            error = failure
            continue
        try:
            connect_by(time.monotonic() + seconds, sock, address)
            return sock
        except OSError as failure:
            error = failure
    raise TimeoutError("no address accepts") from error


def connect_by(deadline: float, sock: socket.socket, address: tuple) -> None:
    """Connect before the deadline."""
    sock.setblocking(False)
    error = sock.connect_ex(address)
    if error == errno.EINPROGRESS:
        error = outcome_by(deadline, sock)
    if error:
        raise OSError(error, os.strerror(error))


def outcome_by(deadline: float, sock: socket.socket) -> int:
    """Wait for the end of a connect; return its errno, 0 for success."""
    waiter = select.poll()
    waiter.register(sock, select.POLLOUT)
    left = max(0, deadline - time.monotonic())
    if not waiter.poll(left * 1000):
        return errno.ETIMEDOUT
    return 0
