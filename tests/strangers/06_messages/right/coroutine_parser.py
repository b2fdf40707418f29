# expect: pass
# gap: none
# cause: -
# shows: -
import socket

LIMIT = 65536


def _parse():
    """Yields how many bytes it wants, is sent some of them (b"" at the end); returns the message or None."""

    def exactly(count, clean=False):
        have = bytearray()
        while len(have) < count:
            piece = yield count - len(have)
            if not piece:
                if clean and not have:
                    return None
                raise EOFError("end of stream inside a message")
            have += piece
        return bytes(have)

    header = yield from exactly(4, clean=True)
    if header is None:
        return None
    length = int.from_bytes(header, "big")
    if length > LIMIT:
        raise ValueError(f"a message of {length} bytes")
    return (yield from exactly(length))


def recv_message(sock: socket.socket) -> bytes | None:
    parser = _parse()
    try:
        wanted = next(parser)
        while True:
            wanted = parser.send(sock.recv(wanted))
    except StopIteration as done:
        return done.value


def send_message(sock: socket.socket, payload: bytes) -> None:
    if len(payload) > LIMIT:
        raise ValueError(f"{len(payload)} bytes are too many")
    sock.sendall(len(payload).to_bytes(4, "big") + payload)
