# expect: pass
# gap: none
# cause: an abstract name drawn at random, epoll, sendmsg() and recvmsg_into()
# shows: -
import errno
import math
import os
import select
import socket
import time
import uuid


class Asker:
    def __init__(self, path, seconds):
        self.end = time.monotonic() + seconds
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.epoll = select.epoll()
        try:
            self.sock.setblocking(False)
            self.sock.connect(path)
            self.sock.bind("\0ask-" + uuid.uuid4().hex)
            self.epoll.register(self.sock, 0)
        except OSError:
            self.close()
            raise

    def close(self):
        self.epoll.close()
        self.sock.close()

    def wait(self, event):
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("time is up")
        self.epoll.modify(self.sock, event)
        self.epoll.poll(left)

    def send(self, question):
        while True:
            try:
                return self.sock.sendmsg([question])
            except BlockingIOError:
                self.wait(select.EPOLLOUT)

    def receive(self):
        room = bytearray(65536)
        while True:
            try:
                n, _, flags, _ = self.sock.recvmsg_into([room])
            except BlockingIOError:
                self.wait(select.EPOLLIN)
                continue
            if flags & socket.MSG_TRUNC:
                raise OSError(errno.EMSGSIZE, "answer is longer than 65536 bytes")
            return bytes(room[:n])


def ask(path, question, seconds):
    if math.isnan(seconds) or seconds < 0.0 or len(question) > 65536 or not path or "\0" in path:
        raise ValueError
    if len(path.encode("utf-8", "surrogateescape")) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
    asker = Asker(path, seconds)
    try:
        asker.send(question)
        return asker.receive()
    finally:
        asker.close()
