"""Messages through one exact receive, which tells where the stream ended."""

import socket

MOST = 65536


def send_message(sock: socket.socket, payload: bytes) -> None:
    size = len(payload)
    if size > MOST:
        raise ValueError("the payload is too large")
    sock.sendall(size.to_bytes(4, "big"))
    if payload:
        sock.sendall(payload)


def recv_message(sock: socket.socket) -> bytes | None:
    header = bytearray(4)
    came = fill(sock, header)
    if came == 0:
        return None
    size = int.from_bytes(header, "big")
    if came == 4 and size > MOST:
        raise ValueError("the length is over the limit")
    payload = bytearray(size if came == 4 else 0)
    if came < 4 or fill(sock, payload) < size:
        raise EOFError("end-of-file inside a message")
    return bytes(payload)


def fill(sock: socket.socket, buffer: bytearray) -> int:
    """Receive into the whole of buffer; returns how many bytes came."""
    empty = memoryview(buffer)
    while empty:
        got = sock.recv_into(empty)
        if got == 0:
            break
        empty = empty[got:]
    return len(buffer) - len(empty)
