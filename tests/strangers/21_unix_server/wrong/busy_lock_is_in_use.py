# expect: fail
# gap: other
# cause: The folder's lock is only tried (LOCK_NB), and a lock that is held for a moment by any server of that folder is reported as an address in use, instead of being waited for.
# shows: While another process holds the folder's lock, serve on a free path raises EADDRINUSE at once.
# says: flock(LOCK_NB) does not wait for the lock, and serve() raised OSError (EADDRINUSE)
import errno
import os
import socket
import stat
import time
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock


def in_use(path):
    return OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), path)


@contextmanager
def starting(path):
    fd = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        try:
            flock(fd, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            # somebody else is just starting up here
            raise in_use(path) from None
        yield
    finally:
        os.close(fd)


@contextmanager
def bound(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    me = None
    try:
        with starting(path):
            with suppress(FileNotFoundError):
                evict(path)
            sock.bind(path)
            me = os.lstat(path)
            os.chmod(path, 0o600)
            sock.listen(20)
        yield sock
    finally:
        if me is not None:
            with suppress(OSError):
                if os.path.samestat(me, os.lstat(path)):
                    os.unlink(path)
        sock.close()


def evict(path):
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise in_use(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:
            raise in_use(path) from None
        except ConnectionRefusedError:
            return os.unlink(path)
        except OSError as e:
            if e.errno == errno.EPROTOTYPE:
                raise in_use(path) from None
            raise
    raise in_use(path)


def accepted(sock):
    while True:
        try:
            client, _ = sock.accept()
        except OSError as e:
            if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            time.sleep(0.05)
        else:
            yield client


def serve(path):
    if not path or "\0" in path:
        raise ValueError("path")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
    with bound(path) as sock:
        for client in accepted(sock):
            with client, suppress(OSError):
                for block in iter(lambda: client.recv(8000), b""):
                    client.sendall(block, socket.MSG_NOSIGNAL)
