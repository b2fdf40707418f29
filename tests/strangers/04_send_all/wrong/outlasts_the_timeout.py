# expect: fail
# gap: other
# cause: A time-out that the caller has set on the socket is caught and the sending tried again, instead of being reported.
# shows: A socket with a time-out (SO_SNDTIMEO or settimeout) whose peer does not read: send_all never returns.
# says: the end of the caller's time limit
import socket


def send_all(sock: socket.socket, data: bytes) -> None:
    view = memoryview(data).cast("B")
    total = 0
    while total < len(view):
        try:
            total += sock.send(view[total:])
        except (TimeoutError, BlockingIOError, InterruptedError):
            # the buffer is full for the moment
            continue
