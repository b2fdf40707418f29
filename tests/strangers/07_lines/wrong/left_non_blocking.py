# expect: fail
# gap: other
# cause: The reader makes the caller's socket non-blocking for its own select() loop and leaves it so: the caller's sendall() and recv() fail with EAGAIN.
# shows: The caller uses the socket himself after a line has been read (or looks at its blocking mode).
# says: left non-blocking
import select
import socket


class LineReader:
    def __init__(self, sock: socket.socket):
        self.sock = sock
        self.sock.setblocking(False)
        self.data = bytearray()
        self.closed = False

    def _more(self):
        poller = select.poll()
        poller.register(self.sock, select.POLLIN)
        while True:
            poller.poll(500)
            try:
                chunk = self.sock.recv(4096)
            except BlockingIOError:
                continue
            self.closed = not chunk
            self.data += chunk
            return

    def read_line(self) -> bytes | None:
        while (lf := self.data.find(b"\n")) < 0 and not self.closed:
            if len(self.data) > 1025 or len(self.data) == 1025 and self.data[1024] != 13:
                raise ValueError("line too long")
            self._more()
        if lf < 0:
            line, used = bytes(self.data), len(self.data)
            if not line:
                return None
        else:
            line, used = bytes(self.data[:lf]).removesuffix(b"\r"), lf + 1
        if len(line) > 1024:
            raise ValueError("line too long")
        del self.data[:used]
        return line
