import socket
from collections.abc import Iterator


class LineReader:
    def __init__(self, sock: socket.socket) -> None:
        self._lines = lines(sock)

    def read_line(self) -> bytes | None:
        return next(self._lines, None)


def lines(sock: socket.socket) -> Iterator[bytes]:
    tail = b""
    while chunk := sock.recv(2048):
        *whole, tail = (tail + chunk).split(b"\n")
        for line in whole:
            yield limited(line[:-1] if line[-1:] == b"\r" else line)
        limited(tail[:-1] if tail[-1:] == b"\r" else tail)
    if tail:
        yield limited(tail)


def limited(line: bytes) -> bytes:
    if len(line) > 1024:
        raise ValueError(f"{len(line)} bytes in a line")
    return line
