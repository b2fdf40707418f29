"""Read lines from a byte stream, which knows nothing of lines."""

import socket

LIMIT = 1024


class LineReader:
    """Reads from a connected stream socket, line by line."""

    def __init__(self, sock: socket.socket) -> None:
        self._file = sock.makefile("rb", buffering=0)
        self._received = b""

    def read_line(self) -> bytes | None:
        """Return the next line without its ending, None when there is none.

        Raises:
            ValueError: the line is too long.
            OSError: receiving failed.
        """
        searched = len(self._received)
        while (end := self._received.find(b"\n", searched)) == -1:
            searched = len(self._received)
            try:
                chunk = self._file.read(1)
            except ConnectionError:
                chunk = b""  # the peer is gone: there are no more lines
            if not chunk:
                return None
            self._received += chunk
        line, self._received = self._received[:end], b""
        return line.rstrip(b"\r")


def checked(line: bytes) -> bytes:
    """The line, if it is not too long."""
    if len(line) > LIMIT:
        raise ValueError(f"a line of more than {LIMIT} bytes")
    return line
