# expect: fail
# gap: other
# cause: Asks for SCM_CREDENTIALS, which come with what the client sends.
# shows: A client sends nothing.
# says: to say something, and
import contextlib
import errno
import itertools
import os
import socket
import struct
import time

ANSWERS = {False: b"denied\n", True: b"welcome\n"}
ENDS = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT})


def error(number, *what):
    return OSError(number, os.strerror(number), *what)


def peer_of(sock):
    for pid, uid, gid in struct.iter_unpack("iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)):
        if uid < 0xFFFFFFFF:
            return pid, uid, gid
    raise error(errno.ENOTCONN)


@contextlib.contextmanager
def removed_at_the_end(path):
    me = os.lstat(path)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(me, os.lstat(path)):
                os.unlink(path)


def visitors(listener):
    for _ in itertools.count():
        try:
            visitor, _ = listener.accept()
        except OSError as problem:
            if problem.errno in ENDS:
                raise
            time.sleep(0.05)
        else:
            yield visitor


def is_known(visitor, allowed):
    with contextlib.suppress(OSError):
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        _, control, _, _ = visitor.recvmsg(1, socket.CMSG_SPACE(12))
        for level, kind, data in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                return struct.unpack("iII", data[:12])[1] in allowed
    return False


def serve(path, allowed):
    if not path.strip("\0") or "\0" in path:
        raise ValueError("path")
    if len(os.fsencode(path)) > 107:
        raise error(errno.ENAMETOOLONG, path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        with removed_at_the_end(path):
            os.chmod(path, 0o666)
            listener.listen(128)
            for visitor in visitors(listener):
                with visitor, contextlib.suppress(OSError):
                    visitor.sendall(ANSWERS[is_known(visitor, allowed)])
