# expect: fail
# gap: other
# cause: when recv() would block, the reader waits for the socket to become readable and tries again; a blocking socket tells so that the caller's time limit (SO_RCVTIMEO) is over, which the caller is to hear.
# shows: when the caller has set SO_RCVTIMEO and no line comes in time.
# says: recv() raised BlockingIOError, the end of the caller's time limit, and was called again
import select
import socket

LIMIT = 1024


class LineReader:
    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.held, self.over = sock, b"", False

    def _more(self) -> None:
        while True:
            try:
                chunk = self.sock.recv(4096)
            except BlockingIOError:
                select.select([self.sock], [], [])
                continue
            self.over = not chunk
            self.held += chunk
            return

    def read_line(self) -> bytes | None:
        while True:
            line, end, rest = self.held.partition(b"\n")
            if end:
                line = line.removesuffix(b"\r")
                if len(line) > LIMIT:
                    raise ValueError("a line is too long")
                self.held = rest
                return line
            if len(line) > LIMIT + 1 or (len(line) == LIMIT + 1 and not line.endswith(b"\r")):
                raise ValueError("a line is too long")
            if self.over:
                if len(line) > LIMIT:
                    raise ValueError("a line is too long")
                self.held = b""
                return line or None
            self._more()
