# expect: fail
# gap: other
# cause: The header is sent before the payload's size is looked at: a message over the limit is refused, but four bytes of it are on their way.
# shows: Sending more than 65,536 bytes, and a look at what the peer gets.
# says: sent 4 bytes of a message of 65537
import socket
import struct


def send_message(sock: socket.socket, payload: bytes) -> None:
    sock.sendall(struct.pack(">I", len(payload)))
    for start in range(0, len(payload), 8192):
        if len(payload) > 65536:
            raise ValueError("messages have at most 65536 bytes")
        sock.sendall(payload[start : start + 8192])


def recv_message(sock: socket.socket) -> bytes | None:
    def read(count):
        got = bytearray()
        while len(got) < count and (piece := sock.recv(count - len(got))):
            got += piece
        return bytes(got)

    header = read(4)
    if len(header) != 4:
        if header:
            raise EOFError
        return None
    length = struct.unpack(">I", header)[0]
    if length > 65536:
        raise ValueError("messages have at most 65536 bytes")
    payload = read(length)
    if len(payload) != length:
        raise EOFError
    return payload
