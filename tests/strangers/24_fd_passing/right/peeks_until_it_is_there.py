# expect: pass
# gap: none
# cause: waits in poll(), takes the byte with flags that do not wait
# shows: -
import array
import errno
import os
import select
import socket


def _wait(sock, what):
    poll = select.poll()
    poll.register(sock, what)
    poll.poll()


def send_fd(sock, fd):
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
    while True:
        _wait(sock, select.POLLOUT)
        try:
            sock.sendmsg([b"x"], ancillary, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            return
        except BlockingIOError:
            pass


def recv_fd(sock):
    while True:
        _wait(sock, select.POLLIN)
        try:
            data, ancillary, flags, _ = sock.recvmsg(
                1, socket.CMSG_LEN(4), socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            continue
        break
    if ancillary:
        return array.array("i", ancillary[0][2])[0]
    if data:
        number = errno.EMFILE if flags & socket.MSG_CTRUNC == socket.MSG_CTRUNC else errno.ENOMSG
        raise OSError(number, os.strerror(number))
    raise EOFError
