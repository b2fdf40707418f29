# expect: fail
# gap: other
# cause: The largest message that is allowed, 65,536 bytes, is refused: the comparison has an "equal" too much.
# shows: A message of exactly 65,536 bytes comes in.
# says: which is 65536, and recv_message() raised ValueError
import socket

MAX_MESSAGE = 0x10000


def _exact(sock, n):
    chunks = []
    while n:
        chunk = sock.recv(n)
        if not chunk:
            raise EOFError("connection closed inside a message")
        chunks.append(chunk)
        n -= len(chunk)
    return b"".join(chunks)


def send_message(sock: socket.socket, payload: bytes) -> None:
    if len(payload) > MAX_MESSAGE:
        raise ValueError("message is too large")
    sock.sendall(len(payload).to_bytes(4, "big") + payload)


def recv_message(sock: socket.socket) -> bytes | None:
    first = sock.recv(1)
    if not first:
        return None
    size = int.from_bytes(first + _exact(sock, 3), "big")
    if size >= MAX_MESSAGE:
        raise ValueError("message is too large")
    return _exact(sock, size)
