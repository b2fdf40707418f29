# expect: pass
# gap: none
# cause: none, it is right: MSG_DONTWAIT and short sleeps, which is waiting in slices; the last try is made when the time is over.
# shows: never
import errno
import os
import socket
import time


class Asker:
    LARGEST = 1 << 16

    def __init__(self, path, seconds):
        if not path or "\x00" in path:
            raise ValueError("no such thing as a path: %r" % path)
        if not 0 <= seconds:
            raise ValueError("no such thing as a limit: %r" % seconds)
        self.name = os.fsencode(path)
        if len(self.name) > 107:
            self.fail(errno.ENAMETOOLONG)
        self.seconds = seconds

    @staticmethod
    def fail(code):
        raise OSError(code, os.strerror(code))      # ETIMEDOUT becomes TimeoutError

    def __enter__(self):
        self.end = time.monotonic() + self.seconds
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self.sock.settimeout(None)
            self.sock.connect(self.name)
            self.sock.bind("")
        except BaseException:
            self.sock.close()
            raise
        return self

    def __exit__(self, *why):
        self.sock.close()

    def repeat(self, attempt):
        nap = 0.001
        while True:
            over = time.monotonic() >= self.end
            try:
                return attempt()
            except BlockingIOError:
                if over:
                    self.fail(errno.ETIMEDOUT)
            time.sleep(max(0.0, min(nap, self.end - time.monotonic())))
            nap = min(nap * 1.5, 0.02)

    def put(self, question):
        self.repeat(lambda: self.sock.send(question, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL))

    def get(self):
        data = self.repeat(lambda: self.sock.recv(self.LARGEST + 1, socket.MSG_DONTWAIT))
        if len(data) > self.LARGEST:
            self.fail(errno.EMSGSIZE)
        return data


def ask(path, question, seconds):
    asker = Asker(path, seconds)
    if len(question) > Asker.LARGEST:
        raise ValueError("too long a question")
    with asker:
        asker.put(question)
        return asker.get()
