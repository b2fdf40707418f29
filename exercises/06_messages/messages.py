"""Messages on a byte stream: each is its length in 4 bytes, then its payload."""

import socket
import struct

LIMIT = 65536  # bytes of a payload


def send_message(sock: socket.socket, payload: bytes) -> None:
    """Send one message.

    Raises:
        ValueError: the payload is over the limit; nothing is sent.
        OSError: it could not all be sent.
    """
    sock.send(struct.pack("I", len(payload)) + payload)


def recv_message(sock: socket.socket) -> bytes | None:
    """Receive the payload of the next message; None when there is none.

    Raises:
        EOFError: the stream ends inside a message.
        ValueError: its length is over the limit.
        OSError: the connection breaks.
    """
    header = sock.recv(4)
    if len(header) < 4:
        return None
    (length,) = struct.unpack("I", header)
    payload = recv_up_to(sock, length)
    if len(payload) < length:
        return None
    return payload or None


def recv_up_to(sock: socket.socket, count: int) -> bytes:
    """Receive count bytes, or fewer where the stream ends."""
    data = b""
    if len(data) < count:
        try:
            chunk = sock.recv(count - len(data))
        except ConnectionError:
            chunk = b""  # the peer is gone: nothing more comes
        data += chunk
    return data
