# expect: pass
# gap: none
# cause: A generator accepts; the kernel is asked once for every id on the list
# shows: -
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
        return any(peer_of(visitor)[1] == user for user in allowed)
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
