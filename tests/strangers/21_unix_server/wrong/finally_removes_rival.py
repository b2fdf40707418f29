# expect: fail
# gap: other
# cause: The clean-up stands in the outermost finally and removes whatever is at the path, although this call may have failed because the path belongs to somebody else.
# shows: A second serve on a live server's path (or on a regular file) raises EADDRINUSE, and afterwards the path is gone.
# says: removes the path although connect()
import errno
import fcntl
import os
import socket
import stat
import time

FATAL = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def busy(path):
    return OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), path)


def probe(path):
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise busy(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.setblocking(False)
        try:
            s.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except OSError as e:
            if e.errno in (errno.EAGAIN, errno.EPROTOTYPE):
                raise busy(path) from None
            raise
    raise busy(path)


def start(listener, path):
    lock = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.lexists(path):
            probe(path)
        listener.bind(path)
        os.chmod(path, 0o600)
        listener.listen()
    finally:
        os.close(lock)


def serve_client(conn):
    while True:
        data = conn.recv(4096)
        if not data:
            break
        conn.sendall(data, socket.MSG_NOSIGNAL)


def serve(path):
    if not path or "\0" in path:
        raise ValueError("path must be a non-empty name")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        start(listener, path)
        while True:
            try:
                conn, _ = listener.accept()
            except OSError as e:
                if e.errno in FATAL:
                    raise
                time.sleep(0.05)
                continue
            try:
                serve_client(conn)
            except OSError:
                pass
            finally:
                conn.close()
    finally:
        try:
            os.unlink(path)
        except OSError:
            pass
        listener.close()
