# expect: fail
# gap: other
# cause: The buffer is an attribute of the class, not of the object: all readers share it.
# shows: Two readers at once, or one after another: bytes held back for one connection come out of the other.
# says: on another connection
class LineReader:
    limit = 1024
    buffer = bytearray()
    finished = False

    def __init__(self, sock) -> None:
        self.sock = sock

    def read_line(self) -> bytes | None:
        while True:
            newline = self.buffer.find(b"\n")
            if newline != -1:
                line = bytes(self.buffer[:newline])
                del self.buffer[: newline + 1]
                return self._checked(line.removesuffix(b"\r"))
            if len(self.buffer) > self.limit and bytes(self.buffer[self.limit :]) != b"\r":
                raise ValueError("line too long")
            if self.finished:
                break
            data = self.sock.recv(2048)
            self.finished = not data
            self.buffer += data
        line = bytes(self.buffer)
        self.buffer.clear()
        return self._checked(line) if line else None

    def _checked(self, line: bytes) -> bytes:
        if len(line) > self.limit:
            raise ValueError("line too long")
        return line
