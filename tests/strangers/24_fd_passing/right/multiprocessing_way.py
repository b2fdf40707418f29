# expect: pass
# gap: none
# cause: as multiprocessing.reduction does it: the byte is the number of descriptors; dup() makes the copy close-on-exec
# shows: -
import array
import errno
import os
import socket


def sendfds(sock, fds):
    fds = array.array("i", fds)
    msg = bytes([len(fds) % 256])
    sock.sendmsg([msg], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])


def recvfds(sock, size):
    a = array.array("i")
    bytes_size = a.itemsize * size
    msg, ancdata, flags, addr = sock.recvmsg(1, socket.CMSG_SPACE(bytes_size))
    if not msg and not ancdata:
        raise EOFError
    if len(ancdata) > 0:
        cmsg_level, cmsg_type, cmsg_data = ancdata[0]
        a.frombytes(cmsg_data)
    return list(a), flags


def send_fd(sock, fd):
    sendfds(sock, [fd])


def recv_fd(sock):
    fds, flags = recvfds(sock, 1)
    for fd in fds:
        os.set_inheritable(fd, False)
    first, rest = fds[:1], fds[1:]
    for fd in rest:
        os.close(fd)
    if first:
        return first[0]
    why = errno.EMFILE if flags & socket.MSG_CTRUNC else errno.ENOMSG
    raise OSError(why, os.strerror(why))
