# expect: fail
# gap: other
# cause: what came beyond the message is kept beside the socket for the next call; the caller, or whoever else reads the connection, misses it.
# shows: when a second message has come with the first, and somebody else reads it.
# says: belong to whoever reads next
import socket
import struct
import weakref

LIMIT = 65536
_kept: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def send_message(sock: socket.socket, payload: bytes) -> None:
    if len(payload) > LIMIT:
        raise ValueError("too long")
    sock.sendall(struct.pack("!I", len(payload)) + payload)


def recv_message(sock: socket.socket) -> bytes | None:
    data, wanted = _kept.pop(sock, b""), 4
    while len(data) < wanted:
        chunk = sock.recv(4096)
        if not chunk:
            if data:
                raise EOFError("inside a message")
            return None
        data += chunk
        if len(data) >= 4:
            length = int.from_bytes(data[:4], "big")
            if length > LIMIT:
                raise ValueError("over the limit")
            wanted = 4 + length
    wanted = 4 + int.from_bytes(data[:4], "big")
    while len(data) < wanted:
        chunk = sock.recv(4096)
        if not chunk:
            raise EOFError("inside a message")
        data += chunk
    _kept[sock] = data[wanted:]
    return data[4:wanted]
