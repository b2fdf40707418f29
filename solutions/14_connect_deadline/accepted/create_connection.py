"""A timeout for each socket call, cut from one deadline; each address by create_connection()."""

import socket
import time


def connect_within(host, port, seconds):
    if seconds < 0:
        raise ValueError(f"the limit is negative: {seconds}")
    addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    end = time.monotonic() + seconds
    last = None
    for *_, address in addresses:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        try:
            connection = socket.create_connection(address[:2], timeout=left)
        except OSError as refusal:
            last = refusal
        else:
            connection.settimeout(None)
            return connection
    raise last
