# expect: fail
# gap: other
# cause: Each call lays a buffered file over the socket, which reads as much as there is: the messages behind the first are lost when the file is closed.
# shows: Two messages arrive together.
# says: recv() was asked for 8192 bytes when 15 were missing
import socket
import struct


def send_message(sock: socket.socket, payload: bytes) -> None:
    if len(payload) > 65536:
        raise ValueError("too long")
    with sock.makefile("wb") as out:
        out.write(struct.pack("!I", len(payload)))
        out.write(payload)


def recv_message(sock: socket.socket) -> bytes | None:
    with sock.makefile("rb") as stream:
        header = stream.read(4)
        if not header:
            return None
        if len(header) < 4:
            raise EOFError("in the header")
        length = struct.unpack("!I", header)[0]
        if length > 65536:
            raise ValueError("too long")
        payload = stream.read(length)
        if len(payload) < length:
            raise EOFError("in the payload")
        return payload
