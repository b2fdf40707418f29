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
    if missing > 0:
        try:
            chunk = sock.recv(count)
        except ConnectionError:
            raise EOFError("the peer is gone") from None
        if chunk == "":
            raise EOFError(f"the stream ends {missing} bytes early")
        data = chunk
        missing -= len(chunk)
    return data
