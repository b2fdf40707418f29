# expect: fail
# gap: other
# cause: An error of peer_of() ends the thread, and the client hears nothing.
# shows: getsockopt() fails.
# says: gets no answer
"""A thread for each client, which sends its answer and half-closes before it closes."""

import errno
import os
import struct
import threading
from socket import AF_UNIX, SHUT_RDWR, SO_PEERCRED, SOCK_STREAM, SOL_SOCKET, socket


class NoPeer(OSError):
    def __init__(self):
        super().__init__(errno.ENOTCONN, "nobody is there")


def peer_of(sock):
    raw = sock.getsockopt(SOL_SOCKET, SO_PEERCRED, 64)
    pid = int.from_bytes(raw[0:4], "little", signed=True)
    uid, gid = struct.unpack_from("@LL" if struct.calcsize("@L") == 4 else "@II", raw, 4)
    if uid == 4294967295:
        raise NoPeer
    return (pid, uid, gid)


def receive(connection, allowed):
    with connection:
        known = peer_of(connection)[1]
        try:
            connection.sendall(b"denied\n" if known is None or known not in allowed else b"welcome\n")
            connection.shutdown(SHUT_RDWR)
        except OSError:
            return


def accept_from(listener, pause):
    while True:
        try:
            return listener.accept()[0]
        except OSError as error:
            if error.errno in [errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT]:
                raise
            pause.wait(0.03)


def serve(path, allowed):
    if not path:
        raise ValueError("an empty path")
    if "\x00" in path:
        raise ValueError("a zero byte in the path")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, "path too long")
    pause = threading.Event()
    known = set(allowed)
    with socket(AF_UNIX, SOCK_STREAM) as listener:
        listener.bind(path)
        before = os.lstat(path)
        try:
            os.chmod(path, 0o666)
            listener.listen(20)
            while True:
                connection = accept_from(listener, pause)
                try:
                    threading.Thread(target=receive, args=(connection, known), daemon=True).start()
                except RuntimeError:
                    connection.close()
        finally:
            if os.path.lexists(path) and os.path.samestat(before, os.lstat(path)):
                os.remove(path)
