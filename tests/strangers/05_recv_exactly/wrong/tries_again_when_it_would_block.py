# expect: fail
# gap: other
# cause: BlockingIOError is taken for "nothing there yet", and recv() is tried again; of a blocking socket it tells that the time limit of the caller (SO_RCVTIMEO) is over.
# shows: when the caller has set SO_RCVTIMEO and the rest does not come in time.
# says: recv() raised BlockingIOError, the end of the caller's time limit, and was called again
import contextlib
import socket


def recv_exactly(sock: socket.socket, count: int) -> bytes:
    if count < 0:
        raise ValueError("a negative count")
    data = bytearray(count)
    rest = memoryview(data)
    while rest:
        with contextlib.suppress(BlockingIOError):
            got = sock.recv_into(rest)
            if got == 0:
                raise EOFError(f"{len(rest)} bytes are missing")
            rest = rest[got:]
    return bytes(data)
