# expect: pass
# gap: none
# cause: room for exactly one, by CMSG_LEN; the flag through ioctl(FIOCLEX)
# shows: -
import errno
import fcntl
import os
import socket
import sys

FIOCLEX = 0x5451


def send_fd(sock, fd):
    number = fd.to_bytes(4, sys.byteorder, signed=True)
    sock.sendmsg([b"1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, number)])


def recv_fd(sock):
    buffer = bytearray(1)
    n, control, flags, _ = sock.recvmsg_into([buffer], socket.CMSG_LEN(4))
    try:
        fd = int.from_bytes(control[0][2], sys.byteorder, signed=True)
    except IndexError:
        if n == 0:
            raise EOFError("closed") from None
        cut = flags & socket.MSG_CTRUNC
        raise OSError(errno.EMFILE if cut else errno.ENOMSG, "nothing has come") from None
    fcntl.ioctl(fd, FIOCLEX)
    return fd
