# expect: fail
# gap: bare-cr
# cause: rstrip(b"\r\n") takes off all CRs in front of the LF, not the one that belongs to the ending: the others are content.
# shows: A line that ends in CR CR LF.
import socket

MAX_LINE = 1024


class LineReader:
    def __init__(self, sock: socket.socket):
        self.sock = sock
        self.buf = bytearray()

    def read_line(self) -> bytes | None:
        while (end := self.buf.find(b"\n")) == -1:
            if len(self.buf) > MAX_LINE and self.buf[MAX_LINE:] != b"\r":
                raise ValueError("line too long")
            data = self.sock.recv(1500)
            if not data:
                if not self.buf:
                    return None
                if len(self.buf) > MAX_LINE:
                    raise ValueError("line too long")
                line = bytes(self.buf)
                self.buf.clear()
                return line
            self.buf += data
        raw = bytes(self.buf[: end + 1])
        del self.buf[: end + 1]
        if len(raw.removesuffix(b"\n").removesuffix(b"\r")) > MAX_LINE:
            raise ValueError("line too long")
        return raw.rstrip(b"\r\n")
