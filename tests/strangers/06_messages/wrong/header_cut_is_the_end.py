# expect: fail
# gap: cut-message
# cause: Fewer than four bytes of header are taken for a clean end: a stream that is cut inside the length gives None.
# shows: The peer closes after one, two or three bytes of the length.
import socket

LIMIT = 2**16


def exactly(sock, count):
    view = memoryview(bytearray(count))
    at = 0
    while at < count:
        n = sock.recv_into(view[at:])
        if n == 0:
            raise EOFError(f"{at} of {count} bytes")
        at += n
    return view.tobytes()


def send_message(sock: socket.socket, payload: bytes) -> None:
    if len(payload) > LIMIT:
        raise ValueError(f"{len(payload)} > {LIMIT}")
    sock.sendall(len(payload).to_bytes(4, "big"))
    sock.sendall(payload)


def recv_message(sock: socket.socket) -> bytes | None:
    try:
        header = exactly(sock, 4)
    except EOFError:
        return None
    length = int.from_bytes(header, "big")
    if length > LIMIT:
        raise ValueError(f"{length} > {LIMIT}")
    return exactly(sock, length)
