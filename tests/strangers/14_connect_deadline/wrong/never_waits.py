# expect: fail
# gap: other
# says: after 0 s of the 3 s it was given
# cause: the time that is left is rounded down to whole units of a thousand seconds, so select() never waits
# shows: a server that never answers is given up at once, under the right name.
import errno
import os
import select
import socket
import time


def _outcome(sock, deadline):
    left = max(0.0, deadline - time.monotonic())
    _, writable, _ = select.select([], [sock], [], left // 1000)
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if writable else errno.ETIMEDOUT


def _connect(sock, address, deadline):
    sock.setblocking(False)
    error = sock.connect_ex(address)
    if error == errno.EINPROGRESS:
        error = _outcome(sock, deadline)
    if error:
        raise OSError(error, os.strerror(error))
    sock.setblocking(True)


def connect_within(host: str, port: str, seconds: float) -> socket.socket:
    if seconds < 0:
        raise ValueError("a time limit in the past")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    deadline = time.monotonic() + seconds
    last = None
    for family, kind, protocol, _, address in found:
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as refusal:
            last = refusal
            continue
        try:
            _connect(sock, address, deadline)
        except OSError as refusal:
            sock.close()
            last = refusal
        else:
            return sock
    raise last
