# expect: fail
# gap: other
# cause: a limit of 0 is false, so that settimeout() gets None, and None is no limit at all.
# shows: when the limit is 0 and the address does not answer.
# says: settimeout() is given None, which is no time limit
import socket
import time


def connect_within(host: str, port: str, seconds: float) -> socket.socket:
    if seconds < 0:
        raise ValueError("the limit is negative")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    end = time.monotonic() + seconds if seconds else None
    failure = None
    for family, kind, proto, _, address in found:
        left = end - time.monotonic() if end else None
        if left is not None and left <= 0:
            raise failure or TimeoutError("no time is left")
        try:
            sock = socket.socket(family, kind, proto)
        except OSError as error:
            failure = error
            continue
        try:
            sock.settimeout(left)
            sock.connect(address)
        except OSError as error:
            failure = error
            sock.close()
        else:
            sock.settimeout(None)
            return sock
    raise failure
