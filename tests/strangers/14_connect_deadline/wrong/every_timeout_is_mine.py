# specimen: 14_connect_deadline python wrong
# expect: fail
# gap: other
# cause: Any TimeoutError is taken for the end of the time; the kernel raises it too, when it gives up an address by itself, and then the remaining addresses are not tried.
# shows: connect() to the first address fails with ETIMEDOUT long before the limit, the second one would accept.
# says: gave up after 1 of 2 addresses
import socket
import time


def connect_within(host: str, port: str, seconds: float) -> socket.socket:
    if not seconds >= 0:
        raise ValueError("the time limit is negative")
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    deadline = time.monotonic() + seconds
    problem = None
    for family, kind, proto, _, address in addresses:
        left = deadline - time.monotonic()
        if problem is not None and left <= 0:
            raise TimeoutError("no time left for the other addresses") from problem
        try:
            sock = socket.socket(family, kind, proto)
        except OSError as e:
            problem = e
            continue
        try:
            sock.settimeout(max(left, 1e-6))
            sock.connect(address)
            sock.settimeout(None)
            return sock
        except OSError as e:
            problem = e
            try:
                sock.close()
            except OSError:
                pass
            if isinstance(e, TimeoutError):
                break
    raise problem
