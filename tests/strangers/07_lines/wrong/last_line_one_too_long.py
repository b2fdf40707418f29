# expect: fail
# gap: unlimited-line
# cause: At end-of-file a held line of 1,024 bytes and a CR is given out: without an LF the CR is content, and 1,025 bytes are too many.
# shows: The stream ends after 1,024 bytes and a CR.
import socket


class LineReader:
    LIMIT = 1024

    def __init__(self, sock: socket.socket):
        self.sock = sock
        self.pending = bytearray()

    def _too_long(self, n):
        return n > self.LIMIT + 1 or (n == self.LIMIT + 1 and self.pending[self.LIMIT] != ord("\r"))

    def read_line(self) -> bytes | None:
        while True:
            n = self.pending.find(b"\n")
            if self._too_long(n if n >= 0 else len(self.pending)):
                raise ValueError(f"a line has at most {self.LIMIT} bytes")
            if n >= 0:
                line = self.pending[:n]
                del self.pending[: n + 1]
                return bytes(line[:-1] if line.endswith(b"\r") else line)
            data = self.sock.recv(8192)
            if not data:
                line = bytes(self.pending)
                self.pending.clear()
                return line or None
            self.pending += data
