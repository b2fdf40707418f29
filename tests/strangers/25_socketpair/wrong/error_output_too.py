# expect: fail
# gap: other
# cause: Standard error goes into the reply, too.
# shows: What descriptor 2 of the program is.
# says: the program is started with a socket as its standard error, not its caller's
"""Run a program with one socket as its standard input and output."""

import select
import socket
import subprocess


def converse(sock: socket.socket, data: bytes) -> bytes:
    """Send data and its end while the reply is read, to its end."""
    reply, left = bytearray(), memoryview(data)
    sending = reading = True
    sock.setblocking(False)
    while sending or reading:
        readable, writable, _ = select.select(
            [sock] if reading else [], [sock] if sending else [], []
        )
        if writable:
            try:
                left = left[sock.send(left) :]
            except (BrokenPipeError, ConnectionResetError):
                left = left[:0]  # it wants no more
            if not left:
                sock.shutdown(socket.SHUT_WR)
                sending = False
        if readable:
            try:
                chunk = sock.recv(65536)
            except ConnectionResetError:
                chunk = b""  # it has ended with input unread
            reading = chunk != b""
            reply += chunk
    return bytes(reply)


def run_filter(argv: list[str], data: bytes) -> bytes:
    """Run a program; data is its standard input, its standard output the reply.

    Raises:
        OSError: the program cannot be executed.
        subprocess.CalledProcessError: it did not succeed; `output` is the reply.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs)
        try:
            reply = converse(ours, data)
        except OSError:
            process.kill()
            raise
        finally:
            process.wait()
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, argv, reply)
    return reply
