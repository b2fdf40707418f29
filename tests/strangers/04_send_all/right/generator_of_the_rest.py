# expect: pass
# gap: none
# cause: -
# shows: -
import socket

PIECE = 1 << 18


def remainders(data):
    """Yields what is still to be sent; is told how much of it has gone."""
    view, offset = memoryview(data).cast("B"), 0
    while offset != view.nbytes:
        offset += yield view[offset : offset + PIECE]


def send_all(sock: socket.socket, data: bytes) -> None:
    parts = remainders(data)
    try:
        piece = next(parts)
        while True:
            piece = parts.send(sock.send(piece))
    except StopIteration:
        return
