# expect: pass
# gap: none
# cause: -
# shows: -
import socket

LONGEST = 1024


class LineReader:
    def __init__(self, sock):
        self._sock = sock
        self._buffer = bytearray()
        self._looked = 0  # no LF before this place
        self._eof = False

    def _take(self, end, skip):
        line = bytes(self._buffer[:end])
        del self._buffer[: end + skip]
        self._looked = 0
        return line

    def read_line(self) -> bytes | None:
        while True:
            at = self._buffer.find(b"\n", self._looked)
            if at >= 0:
                ending = 2 if at and self._buffer[at - 1] == 13 else 1
                if at + 1 - ending > LONGEST:
                    raise ValueError("line too long")
                return self._take(at + 1 - ending, ending)
            self._looked = have = len(self._buffer)
            if have > LONGEST + 1 or (have == LONGEST + 1 and (self._eof or self._buffer[-1] != 13)):
                raise ValueError("line too long")
            if self._eof:
                return self._take(have, 0) if have else None
            chunk = self._sock.recv(4096)
            self._eof = not chunk
            self._buffer += chunk
