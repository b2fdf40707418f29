# stranger: 14_connect_deadline python wrong
# expect: fail
# gap: other
# cause: every error of a connection that is on its way is taken for a refusal
# shows: the last address cannot be reached
# says: EHOSTUNREACH
import select
import socket
import time


def attempt(family, kind, proto, address, end):
    sock = socket.socket(family, kind, proto)
    try:
        sock.setblocking(False)
        try:
            sock.connect(address)
        except BlockingIOError:
            left = end - time.monotonic()
            _, writable, _ = select.select([], [sock], [], max(left, 0))
            if not writable:
                raise TimeoutError("no answer in time") from None
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
                raise ConnectionRefusedError("connection failed") from None
        sock.setblocking(True)
        return sock
    except BaseException:
        sock.close()
        raise


def connect_within(host, port, seconds):
    if seconds < 0:
        raise ValueError("negative time limit")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    end = time.monotonic() + seconds
    last = None
    for family, kind, proto, _, address in found:
        try:
            return attempt(family, kind, proto, address, end)
        except OSError as error:
            last = error
    raise last
