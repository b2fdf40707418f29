# expect: pass
# gap: none
# cause: nothing is wrong; the reading, the keeping and the judging are functions of their own, a namedtuple between them
# shows: never
import array
import os
import socket
from collections import namedtuple
from contextlib import closing
from errno import EBADF, EMFILE, ENOMSG

Message = namedtuple("Message", "data keep drop cut")


class Owned:
    """A descriptor that is closed unless it is released."""

    def __init__(self, fd):
        self.fd = fd

    def release(self):
        fd, self.fd = self.fd, None
        return fd

    def close(self):
        if self.fd is not None:
            os.close(self.release())


def read_message(sock):
    size = sum(map(socket.CMSG_SPACE, (253 * array.array("i").itemsize, 12, 4, 512)))
    data, control, flags, _ = sock.recvmsg(1, size, socket.MSG_CMSG_CLOEXEC)
    keep, drop = [], []
    while control:
        level, kind, raw = control.pop(0)
        if level == socket.SOL_SOCKET and (kind == socket.SCM_RIGHTS or kind == 4):
            numbers = array.array("i")
            numbers.frombytes(raw[: len(raw) - len(raw) % numbers.itemsize])
            (keep if kind == socket.SCM_RIGHTS else drop).extend(Owned(n) for n in numbers if n >= 0)
    return Message(data, keep, drop, flags & socket.MSG_CTRUNC != 0)


def recv_fd(sock):
    message = read_message(sock)
    for owned in message.keep[1:] + message.drop:
        owned.close()
    if not message.data:
        raise EOFError("closed")
    for owned in message.keep[:1]:
        with closing(owned):
            return owned.release()
    why = EMFILE if message.cut else ENOMSG
    raise OSError(why, os.strerror(why))


def send_fd(sock, fd):
    if fd < 0 or fd >= 1 << 31:
        raise OSError(EBADF, os.strerror(EBADF))
    numbers = array.array("i")
    numbers.append(fd)
    sock.sendmsg([bytearray(1)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)], socket.MSG_NOSIGNAL)
