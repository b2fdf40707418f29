# expect: fail
# gap: other
# cause: The last statement, "line or None", makes an empty line look like the end of the stream.
# shows: An empty line between two others.
# says: returned None, the end; expected b''
import socket


class LineReader:
    def __init__(self, sock: socket.socket):
        self._sock, self._chunks = sock, b""

    def _line(self):
        while True:
            line, newline, after = self._chunks.partition(b"\n")
            content = line[:-1] if line[-1:] == b"\r" and newline else line
            certain = len(content) - (not newline and content[-1:] == b"\r")
            if certain > 1024:
                raise ValueError("a line over 1024 bytes")
            if newline:
                self._chunks = after
                return content
            more = self._sock.recv(2000)
            if not more:
                if len(line) > 1024:
                    raise ValueError("a line over 1024 bytes")
                self._chunks = b""
                return line
            self._chunks += more

    def read_line(self) -> bytes | None:
        return self._line() or None
