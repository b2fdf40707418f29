# expect: fail
# gap: other
# cause: 1,024 bytes and a CR are refused before the LF that makes an ending of the CR has come.
# shows: A line of exactly 1,024 bytes whose CR and LF come apart.
# says: a line of more than 1024 bytes
"""Read lines from a byte stream, which knows nothing of lines."""

import socket

LIMIT = 1024


class LineReader:
    """Reads from a connected stream socket, line by line."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._received = b""  # and not yet given out: it outlives the call

    def read_line(self) -> bytes | None:
        """Return the next line without its ending, None when there is none.

        Raises:
            ValueError: the line is too long.
            OSError: receiving failed.
        """
        searched = 0
        while (end := self._received.find(b"\n", searched)) == -1:
            searched = len(self._received)
            checked(self._received)
            chunk = self._sock.recv(4096)
            if not chunk:
                last, self._received = self._received, b""
                return checked(last) if last else None
            self._received += chunk
        line, self._received = self._received[:end], self._received[end + 1 :]
        return checked(line.removesuffix(b"\r"))


def checked(line: bytes) -> bytes:
    """The line, if it is not too long."""
    if len(line) > LIMIT:
        raise ValueError(f"a line of more than {LIMIT} bytes")
    return line
