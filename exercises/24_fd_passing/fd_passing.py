"""Hand an open descriptor to another process."""

import array
import errno
import os
import socket

INT = array.array("i").itemsize


def send_fd(sock: socket.socket, fd: int) -> None:
    """Send a descriptor, with one byte, over a connected Unix stream socket.

    Raises:
        OSError: the descriptor is not open (EBADF), or the connection is gone.
    """
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
    sock.sendmsg([b""], rights)


def recv_fd(sock: socket.socket) -> int:
    """Receive one byte, and the descriptor that has come with it.

    Raises:
        EOFError: the stream has ended.
        OSError: no descriptor has come (ENOMSG), or there was no number free for
            it (EMFILE); or the connection is gone.
    """
    data, control, flags, _ = sock.recvmsg(1, INT)
    fds = array.array("i")
    for level, kind, numbers in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(numbers)
    if not fds:
        raise OSError(errno.ENOMSG, os.strerror(errno.ENOMSG))
    return data[0]
