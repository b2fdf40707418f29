# expect: fail
# gap: other
# cause: a byte that brings no descriptor is skipped and the next one is read, until one brings one; it should be ENOMSG, and no second byte may be taken
# shows: when the sender writes a byte without a descriptor: recv_fd waits, or swallows the following bytes of the stream
# says: waits for more, although the one byte that it was to take has come
import array
import os
import socket
from errno import EBADF, EMFILE


def send_fd(sock, fd):
    if not 0 <= fd < 2**31:
        raise OSError(EBADF, os.strerror(EBADF))
    sock.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))], socket.MSG_NOSIGNAL)


def one_byte(sock):
    numbers = array.array("i")
    data, ancdata, flags, _ = sock.recvmsg(1, 4096, socket.MSG_CMSG_CLOEXEC)
    for level, kind, raw in ancdata:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(raw[:len(raw) & ~3])
    return data, numbers.tolist(), bool(flags & socket.MSG_CTRUNC)


def recv_fd(sock):
    while True:
        data, fds, cut = one_byte(sock)
        if not data:
            raise EOFError("no descriptor before the end")
        if fds:
            first, *surplus = fds
            for fd in surplus:
                os.close(fd)
            return first
        if cut:
            raise OSError(EMFILE, os.strerror(EMFILE))
