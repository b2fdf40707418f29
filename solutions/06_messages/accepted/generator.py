"""Messages whose pieces come from a generator, and go out as a gathered list."""

import socket
import struct
from collections.abc import Iterator

HEADER = struct.Struct(">L")
LIMIT = 1 << 16


def send_message(sock: socket.socket, payload: bytes) -> None:
    if len(payload) > LIMIT:
        raise ValueError(len(payload))
    rest = HEADER.pack(len(payload)) + payload
    while rest:
        rest = rest[sock.sendmsg([rest[:4], rest[4:]]) :]


def recv_message(sock: socket.socket) -> bytes | None:
    header = b"".join(pieces(sock, HEADER.size))
    if not header:
        return None
    if len(header) == HEADER.size:
        (length,) = HEADER.unpack(header)
        if length > LIMIT:
            raise ValueError(length)
        payload = b"".join(pieces(sock, length))
        if len(payload) == length:
            return payload
    raise EOFError("the message is not complete")


def pieces(sock: socket.socket, missing: int) -> Iterator[bytes]:
    """Yield what comes until nothing is missing, or the stream ends."""
    while missing > 0 and (piece := sock.recv(missing)):
        missing -= len(piece)
        yield piece
