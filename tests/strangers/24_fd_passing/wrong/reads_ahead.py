# expect: fail
# gap: other
# cause: It asks for a whole buffer of bytes, and takes those of the next call.
# shows: Several bytes behind one descriptor.
# says: it took 2, and the last one belongs to whoever reads next
import array
import errno
import os
import socket


def send_fd(sock, fd):
    rights = array.array("i", [fd])
    sock.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def recv_fd(sock):
    data, control, flags, _ = sock.recvmsg(4096, socket.CMSG_SPACE(16), socket.MSG_CMSG_CLOEXEC)
    if not data:
        raise EOFError("end")
    fds = array.array("i")
    for _, _, raw in control:
        fds.frombytes(raw)
    for fd in fds[1:]:
        os.close(fd)
    if fds:
        return fds[0]
    if flags & socket.MSG_CTRUNC:
        raise OSError(errno.EMFILE, "no number is free")
    raise OSError(errno.ENOMSG, "no descriptor")
