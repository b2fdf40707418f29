# expect: pass
# gap: none
# cause: -
# shows: -
"""Looks for bytes every thousandth of a second, by poll()."""

import select

LONGEST = 1024


class LineReader:
    def __init__(self, sock):
        self.sock = sock
        self.poll = select.poll()
        self.poll.register(sock, select.POLLIN)
        self.held = bytearray()
        self.over = False

    def read_line(self):
        while True:
            end = self.held.find(b"\n")
            if end >= 0:
                line = bytes(self.held[:end])
                del self.held[: end + 1]
                return self.checked(line[:-1] if line.endswith(b"\r") else line)
            if len(self.held) > LONGEST + 1 or (len(self.held) > LONGEST and self.held[LONGEST] != 13):
                raise ValueError("no line is that long")
            if self.over:
                line, self.held = bytes(self.held), bytearray()
                return self.checked(line) if line else None
            while not self.poll.poll(1):
                pass
            data = self.sock.recv(3000)
            self.held += data
            self.over = not data

    @staticmethod
    def checked(line):
        if len(line) > LONGEST:
            raise ValueError("no line is that long")
        return line
