# expect: fail
# gap: other
# cause: MSG_CTRUNC is an error even where a descriptor has come, which stays open.
# shows: Room for one of two.
# says: beside the byte 0x21 and MSG_CTRUNC, and recv_fd() raised OSError (EMFILE)
import array
import errno
import os
import socket


def send_fd(sock, fd):
    rights = array.array("i", [fd])
    sock.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def recv_fd(sock):
    data, control, flags, _ = sock.recvmsg(1, socket.CMSG_SPACE(16), socket.MSG_CMSG_CLOEXEC)
    if not data:
        raise EOFError("end")
    fds = array.array("i")
    for _, _, raw in control:
        fds.frombytes(raw)
    for fd in fds[1:]:
        os.close(fd)
    if flags & socket.MSG_CTRUNC:
        raise OSError(errno.EMFILE, "no number is free")
    if fds:
        return fds[0]
    raise OSError(errno.ENOMSG, "no descriptor")
