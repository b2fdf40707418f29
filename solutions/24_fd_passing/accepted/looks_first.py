"""Looks whether there is a byte before it takes one; the flags by fcntl()."""

import array
import errno
import fcntl
import os
import socket


def send_fd(sock: socket.socket, fd: int) -> None:
    numbers = array.array("i", (fd,))
    sock.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers.tobytes())])


def recv_fd(sock: socket.socket) -> int:
    if not sock.recv(1, socket.MSG_PEEK):
        raise EOFError("nobody is there any more")
    _, control, flags, _ = sock.recvmsg(1, socket.CMSG_SPACE(16))
    found = []
    for _, _, data in control:
        found.extend(array.array("i", data))
    while len(found) > 1:
        os.close(found.pop())
    for fd in found:
        fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        return fd
    if flags & socket.MSG_CTRUNC:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    raise OSError(errno.ENOMSG, os.strerror(errno.ENOMSG))
