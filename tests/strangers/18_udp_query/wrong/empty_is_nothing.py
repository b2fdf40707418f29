# expect: fail
# gap: other
# cause: the answer is tested for truth, so an empty one (the id alone) counts as none and is waited for and asked for again until time-out, though an answer may be empty.
# shows: when the server answers with the two bytes of the id and nothing else: TimeoutError instead of b"".
# says: and nothing behind it; the program waits for another
import errno
import os
import socket
import struct
import time


class Query:
    def __init__(self, question, attempts, seconds):
        self.number = int.from_bytes(os.urandom(2), "big")
        self.packet = struct.pack("!H", self.number) + question
        self.attempts = attempts
        self.seconds = seconds

    def parse(self, data):
        """The answer in data, or None when it is somebody else's."""
        if len(data) < 2:
            return None
        (number,) = struct.unpack_from("!H", data)
        return data[2:] if number == self.number else None

    def wait(self, sock):
        deadline = time.monotonic() + self.seconds
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                answer = self.parse(sock.recv(1 << 16))
            except TimeoutError as error:
                if error.errno is not None:
                    raise
                break
            if answer:
                return answer
        return None

    def ask(self, family, address):
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.connect(address)
            for _ in range(self.attempts):
                sock.settimeout(None)
                sock.send(self.packet)
                answer = self.wait(sock)
                if answer:
                    return answer
        finally:
            sock.close()
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def query(host: str, port: str, question: bytes, attempts: int, seconds: float) -> bytes:
    if attempts < 1:
        raise ValueError(f"attempts: {attempts}")
    if seconds < 0:
        raise ValueError(f"seconds: {seconds}")
    if len(question) > 65525:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    q = Query(question, attempts, seconds)
    last = None
    for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
        try:
            return q.ask(family, address)
        except OSError as error:
            last = error
    raise last
