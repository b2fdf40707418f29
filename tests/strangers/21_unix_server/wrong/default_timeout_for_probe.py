# expect: fail
# gap: other
# cause: socket.setdefaulttimeout, meant to keep the probe from blocking, holds for every socket made afterwards, so the clients get the limit too (and the caller's default is lost).
# shows: A client that is silent for more than 0.3 seconds between two messages is closed on instead of being echoed.
# says: which says that it would have to wait, and its client was dropped
import contextlib
import errno
import fcntl
import os
import socket
import stat
import time


class UnixEcho:
    def __init__(self, path):
        if not path or "\0" in path:
            raise ValueError("bad path")
        if len(os.fsencode(path)) > 107:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        self.path = path
        self.listener = None
        self.made = None

    def is_live(self):
        s = socket.socket(socket.AF_UNIX)
        with contextlib.closing(s):
            try:
                s.connect(self.path)
            except ConnectionRefusedError:
                return False
            except (BlockingIOError, TimeoutError):
                return True
            except OSError as e:
                if e.errno == errno.EPROTOTYPE:
                    return True
                raise
            return True

    def open(self):
        socket.setdefaulttimeout(0.3)       # the probe must never hang on a server that does not accept
        fd = os.open(os.path.dirname(self.path) or ".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.path.lexists(self.path):
                taken = not stat.S_ISSOCK(os.lstat(self.path).st_mode) or self.is_live()
                if taken:
                    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
                os.unlink(self.path)
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            self.made = os.lstat(self.path)
            os.chmod(self.path, 0o600)
            self.listener.listen(8)
        finally:
            os.close(fd)

    def close(self):
        if self.made:
            with contextlib.suppress(OSError):
                if os.path.samestat(self.made, os.lstat(self.path)):
                    os.unlink(self.path)
        if self.listener:
            self.listener.close()

    def next_client(self):
        while True:
            try:
                return self.listener.accept()[0]
            except TimeoutError:
                continue
            except OSError as e:
                if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.1)


def serve(path):
    server = UnixEcho(path)
    try:
        server.open()
        while True:
            with server.next_client() as conn, contextlib.suppress(OSError):
                while data := conn.recv(65536):
                    conn.sendall(data, socket.MSG_NOSIGNAL)
    finally:
        server.close()
