# expect: fail
# gap: other
# cause: send_fd marks the caller's descriptor inheritable, as if passing needed that, and leaves it so; inheritance is for exec and has nothing to do with SCM_RIGHTS
# shows: after send_fd: the sender's own descriptor has lost its close-on-exec flag, and programs that it starts inherit it
# says: takes close-on-exec from the caller's descriptor
import errno
import os
import socket
import struct
from contextlib import suppress


def send_fd(sock, fd):
    if not 0 <= fd <= 0x7FFFFFFF:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    os.set_inheritable(fd, True)                # EBADF where it is not open
    sock.sendmsg([b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", fd))], socket.MSG_NOSIGNAL)


def recv_fd(sock):
    buffer = bytearray(1)
    count, control, flags, _ = sock.recvmsg_into([buffer], 16384, socket.MSG_CMSG_CLOEXEC)
    wanted = None
    for level, kind, raw in control:
        if level != socket.SOL_SOCKET or kind != socket.SCM_RIGHTS:
            continue
        for offset in range(0, len(raw) - 3, 4):
            fd, = struct.unpack_from("i", raw, offset)
            if wanted is None:
                wanted = fd
            else:
                with suppress(OSError):
                    os.close(fd)
    if count == 0:
        raise EOFError
    if wanted is None:
        number = errno.EMFILE if flags & socket.MSG_CTRUNC else errno.ENOMSG
        raise OSError(number, os.strerror(number))
    return wanted
