# expect: fail
# gap: other
# cause: The program asks for a pending error, and so takes it away, before it looks whether there is anything to send.
# shows: An empty message: no call is to be made on the socket.
# says: there is nothing to do
"""Send a whole buffer, however little the kernel takes at a time."""

import socket


def send_all(sock: socket.socket, data: bytes) -> None:
    """Send all of data on a connected stream socket.

    An empty buffer is a success that leaves the socket alone.

    Raises:
        OSError: the bytes could not all be sent.
    """
    sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    remaining = memoryview(data)
    while remaining:
        # The kernel may take less than it is offered.
        sent = sock.send(remaining)
        remaining = remaining[sent:]
