"""Run a program with one socket as its standard input and output."""

import select
import socket
import subprocess


def converse(sock: socket.socket, data: bytes) -> bytes:
    """Send data and its end while the reply is read, to its end."""
    reply, left = bytearray(), memoryview(data)
    sending = reading = True
    sock.setblocking(False)
    while reading:
        readable, writable, _ = select.select(
            [sock] if reading and not sending else [], [sock] if sending else [], []
        )
        if writable:
            try:
                left = left[sock.send(left) :]
            except (BrokenPipeError, ConnectionResetError):
                left = left[:0]  # it wants no more
            if not left:
                sending = False
        if readable:
            chunk = sock.recv(65536)
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
    with ours, theirs:
        process = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, close_fds=False
        )
        reply = converse(ours, data)
        process.wait()
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, argv, reply)
    return reply
