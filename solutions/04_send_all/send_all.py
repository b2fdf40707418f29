"""Send a whole buffer, however little the kernel takes at a time."""

import socket


def send_all(sock: socket.socket, data: bytes) -> None:
    """Send all of data on a connected stream socket.

    An empty buffer is a success that leaves the socket alone.

    Raises:
        OSError: the bytes could not all be sent.
    """
    remaining = memoryview(data)
    while remaining:
        # The kernel may take less than it is offered.
        sent = sock.send(remaining)
        remaining = remaining[sent:]
