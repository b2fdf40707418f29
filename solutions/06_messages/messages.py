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
    if len(payload) > LIMIT:
        raise ValueError(f"{len(payload)} bytes are too many for a message")
    sock.sendall(struct.pack("!I", len(payload)) + payload)


def recv_message(sock: socket.socket) -> bytes | None:
    """Receive the payload of the next message; None when there is none.

    Raises:
        EOFError: the stream ends inside a message.
        ValueError: its length is over the limit.
        OSError: the connection breaks.
    """
    header = recv_up_to(sock, 4)
    if len(header) == 0:
        return None
    if len(header) < 4:
        raise EOFError("the stream ends inside a length")
    (length,) = struct.unpack("!I", header)
    if length > LIMIT:
        raise ValueError(f"a message of {length} bytes is announced")
    payload = recv_up_to(sock, length)
    if len(payload) < length:
        raise EOFError("the stream ends inside a payload")
    return payload


def recv_up_to(sock: socket.socket, count: int) -> bytes:
    """Receive count bytes, or fewer where the stream ends."""
    data = b""
    while len(data) < count:
        chunk = sock.recv(count - len(data))
        if not chunk:
            break
        data += chunk
    return data
