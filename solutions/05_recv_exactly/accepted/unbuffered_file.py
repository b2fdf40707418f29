"""Receive a fixed number of bytes through a file object without a buffer."""

import socket


def recv_exactly(sock: socket.socket, count: int) -> bytes:
    if count < 0:
        raise ValueError(f"cannot receive {count} bytes")
    pieces = []
    # Without a buffer: one that reads ahead would take what is not asked for.
    with sock.makefile("rb", buffering=0) as stream:
        while count > 0:
            piece = stream.read(count)
            if not piece:
                raise EOFError("end-of-file before the last byte")
            pieces.append(piece)
            count -= len(piece)
    return b"".join(pieces)
