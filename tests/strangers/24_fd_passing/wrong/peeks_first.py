# expect: fail
# gap: other
# cause: the message is looked at first with MSG_PEEK and a control buffer; the kernel installs the descriptors for a peek, too, and those are never closed
# shows: with every descriptor that is received: a second one for the same file is left open in the receiver
# says: a duplicate of the descriptor that was returned is left open
import array
import errno
import os
import socket


def _rights(ancdata):
    fds = array.array("i")
    for level, kind, raw in ancdata:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(raw[:len(raw) - len(raw) % fds.itemsize])
    return fds


def _look(sock, flags=0):
    return sock.recvmsg(1, 8192, flags | socket.MSG_CMSG_CLOEXEC)


def send_fd(sock, fd):
    try:
        rights = array.array("i", [fd])
    except OverflowError:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None
    sock.sendmsg([b"P"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], socket.MSG_NOSIGNAL)


def recv_fd(sock):
    data, ancdata, flags, _ = _look(sock, socket.MSG_PEEK)
    if not data:
        raise EOFError
    if not _rights(ancdata):
        sock.recv(1)                            # the byte is consumed all the same
        number = errno.EMFILE if flags & socket.MSG_CTRUNC else errno.ENOMSG
        raise OSError(number, os.strerror(number))
    _, ancdata, _, _ = _look(sock)
    first, *rest = _rights(ancdata)
    for fd in rest:
        os.close(fd)
    return first
