"""Receive a fixed number of bytes, however few come at a time."""

import socket


def recv_exactly(sock: socket.socket, count: int) -> bytes:
    """Receive count bytes from a connected stream socket, and none of those
    that follow.

    Raises:
        EOFError: the stream ends before the last of them.
        OSError: the connection breaks.
        ValueError: count is negative.
    """
    if count < 0:
        raise ValueError("a negative number of bytes")
    data = b""
    missing = count
    while missing > 0:
        # At most what is missing: the next bytes are another reader's.
        chunk = sock.recv(missing)
        if chunk == b"":
            raise EOFError(f"the stream ends {missing} bytes early")
        data += chunk
        missing -= len(chunk)
    return data
