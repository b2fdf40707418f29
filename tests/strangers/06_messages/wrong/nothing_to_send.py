# expect: fail
# gap: other
# cause: An empty payload is taken for nothing to send; its header, four zero bytes, does not go out.
# shows: An empty message is sent: the peer waits for it, or takes the next one in its place.
# says: has sent nothing
import socket
import struct

LIMIT = 65536
HEADER = struct.Struct("!I")


def _exactly(sock, count):
    data = bytearray()
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            break
        data += part
    return bytes(data)


def send_message(sock: socket.socket, payload: bytes) -> None:
    if len(payload) > LIMIT:
        raise ValueError("message too long")
    if not payload:
        return
    sock.sendall(HEADER.pack(len(payload)) + payload)


def recv_message(sock: socket.socket):
    header = _exactly(sock, HEADER.size)
    if not header:
        return None
    if len(header) < HEADER.size:
        raise EOFError("inside the length")
    length, = HEADER.unpack(header)
    if length > LIMIT:
        raise ValueError("message too long")
    payload = _exactly(sock, length)
    if len(payload) < length:
        raise EOFError("inside the payload")
    return payload
