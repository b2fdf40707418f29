# expect: fail
# gap: bare-cr
# cause: rstrip(b'\r\n') takes a set of characters, not an ending: every CR and LF at the end of the line goes, though only the CR right before the LF belongs to the ending.
# shows: A line such as 'abc CR CR LF' (the first CR is content), or a last line without ending that ends in CR.
import socket


class LineReader:
    def __init__(self, sock: socket.socket):
        self.sock = sock
        self.buffer = b""
        self.eof = False

    def _fill(self) -> None:
        data = self.sock.recv(2048)
        self.buffer += data
        self.eof = not data

    def read_line(self) -> bytes | None:
        while b"\n" not in self.buffer and not self.eof:
            if len(self.buffer) > 1025 or (len(self.buffer) == 1025 and self.buffer[-1:] != b"\r"):
                raise ValueError("line too long")
            self._fill()
        line, newline, rest = self.buffer.partition(b"\n")
        if not line and not newline:
            return None
        ending = 1 if line.endswith(b"\r") and newline else 0
        if len(line) - ending > 1024:
            raise ValueError("line too long")
        self.buffer = rest
        return line.rstrip(b"\r\n")
