# expect: fail
# gap: over-read
# cause: The file that makefile() gives has a buffer and fills it: what follows the bytes that were asked for is read too, and thrown away with the file.
# shows: The next message is there already: a second recv_exactly() misses its beginning.
import socket


def recv_exactly(sock: socket.socket, count: int) -> bytes:
    if count < 0:
        raise ValueError("count must not be negative")
    if count == 0:
        return b""
    with sock.makefile("rb") as stream:
        data = stream.read(count)
    if len(data) < count:
        raise EOFError("stream ended early")
    return data
