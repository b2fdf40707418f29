# expect: fail
# gap: kept-open
# cause: makefile() counts as a user of the socket: after the caller's close() the descriptor stays open until the file is closed too, and the peer sees no end.
# shows: The caller closes the socket while the reader lives.
import socket


class LineReader:
    def __init__(self, sock: socket.socket):
        self._file = sock.makefile("rb", buffering=4096)
        self._held = b""

    def read_line(self) -> bytes | None:
        while True:
            line, lf, rest = self._held.partition(b"\n")
            if lf:
                line = line[:-1] if line[-1:] == b"\r" else line
                if len(line) > 1024:
                    raise ValueError("more than 1024 bytes")
                self._held = rest
                return line
            if len(line) > 1025 or len(line) == 1025 and line[-1:] != b"\r":
                raise ValueError("more than 1024 bytes")
            chunk = self._file.read1(4096)
            if not chunk:
                if len(line) > 1024:
                    raise ValueError("more than 1024 bytes")
                self._held = b""
                return line or None
            self._held += chunk
