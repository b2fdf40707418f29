"""Hand over descriptors with the socket module's own functions, and mend what they leave."""

import errno
import os
import socket


def send_fd(sock: socket.socket, fd: int) -> None:
    socket.send_fds(sock, [b"."], [fd])


def recv_fd(sock: socket.socket) -> int:
    message, fds, flags, _ = socket.recv_fds(sock, 1, 1)
    for fd in fds:
        os.set_inheritable(fd, False)  # recv_fds() drops MSG_CMSG_CLOEXEC
    if fds:
        return fds.pop()
    if not message:
        raise EOFError
    if flags & socket.MSG_CTRUNC:
        raise OSError(errno.EMFILE, "no number is free for the descriptor")
    raise OSError(errno.ENOMSG, "a byte without a descriptor")
