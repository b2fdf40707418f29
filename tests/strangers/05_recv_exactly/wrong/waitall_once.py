# expect: fail
# gap: one-recv
# cause: MSG_WAITALL is trusted to bring everything in one call; a signal that is handled meanwhile ends the call with what has come so far.
# shows: A handled signal (SIGALRM, SIGCHLD) arrives after part of the data: EOFError in a stream that has not ended.
import socket


def recv_exactly(sock: socket.socket, count: int) -> bytes:
    if count < 0:
        raise ValueError("cannot receive a negative number of bytes")
    if count == 0:
        return b""
    data = sock.recv(count, socket.MSG_WAITALL)
    if len(data) != count:
        raise EOFError(f"{count} bytes expected, {len(data)} came")
    return data
