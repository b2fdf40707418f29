import io
import socket


class LineReader:
    def __init__(self, sock: socket.socket) -> None:
        self._buffered = io.BufferedReader(_Receiver(sock))

    def read_line(self) -> bytes | None:
        line = self._buffered.readline(1025)
        if len(line) == 1025 and line.endswith(b"\r"):
            line += self._buffered.readline(1)
        if line.endswith(b"\r\n"):
            return line[:-2]
        if line.endswith(b"\n"):
            return line[:-1]
        if len(line) > 1024:
            raise ValueError("line too long")
        return line or None


class _Receiver(io.RawIOBase):
    """A socket to read from, which closing this leaves open."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        return self._sock.recv_into(buffer)
