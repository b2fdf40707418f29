# expect: fail
# gap: newest-chunk-only
# cause: CR LF is turned into LF in each chunk for itself: when the CR ends one chunk and the LF begins the next, the CR stays at the end of the line.
# shows: A CRLF that is split over two segments.
import socket


class LineReader:
    def __init__(self, sock: socket.socket):
        self.sock = sock
        self.text = b""
        self.at_end = False

    def read_line(self) -> bytes | None:
        while b"\n" not in self.text and not self.at_end:
            if len(self.text) > 1025 or (len(self.text) == 1025 and not self.text.endswith(b"\r")):
                raise ValueError("overlong line")
            chunk = self.sock.recv(4096)
            self.at_end = chunk == b""
            self.text += chunk.replace(b"\r\n", b"\n")
        if not self.text:
            return None
        line, _, self.text = self.text.partition(b"\n")
        if len(line) > 1025 or (len(line) == 1025 and not line.endswith(b"\r")):
            raise ValueError("overlong line")
        return line
