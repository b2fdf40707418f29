"""Receive a fixed number of bytes into a buffer of that size."""

import socket


def recv_exactly(sock: socket.socket, count: int) -> bytes:
    buffer = bytearray(count)  # a negative count is a ValueError here
    missing = memoryview(buffer)
    while missing:
        got = sock.recv_into(missing)
        if got == 0:
            raise EOFError(f"end-of-file after {count - len(missing)} of {count} bytes")
        missing = missing[got:]
    return bytes(buffer)
