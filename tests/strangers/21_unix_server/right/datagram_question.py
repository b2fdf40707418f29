# expect: pass
# gap: none
# cause: asks with a datagram socket, which no backlog can stop: a stream server answers EPROTOTYPE
# shows: -
import errno
import fcntl
import os
import select
import socket
import stat
import time


class Listener:
    def __init__(self, path):
        self.path = path
        self.folder = os.path.dirname(path) or "."
        self.sock = None

    def __enter__(self):
        lock = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.path.lexists(self.path):
                self.ask()
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.bind(self.path)
            try:
                self.identity = self.look()
                os.chmod(self.path, 0o600)
                self.sock.listen()
            except OSError:
                os.remove(self.path)
                raise
        except OSError:
            if self.sock:
                self.sock.close()
            raise
        finally:
            os.close(lock)
        return self.sock

    def __exit__(self, *_):
        try:
            if self.look() == self.identity:
                os.remove(self.path)
        except FileNotFoundError:
            pass
        self.sock.close()

    def look(self):
        st = os.stat(self.path, follow_symlinks=False)
        return st.st_ino, st.st_dev

    def ask(self):
        if not stat.S_ISSOCK(os.lstat(self.path).st_mode):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as d:
            error = d.connect_ex(self.path)
        if error == errno.ECONNREFUSED:
            os.remove(self.path)
        elif error in (0, errno.EPROTOTYPE, errno.EAGAIN):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        else:
            raise OSError(error, os.strerror(error))


def echo(client):
    room = bytearray(4096)
    while n := client.recv_into(room):
        client.sendall(memoryview(room)[:n])


def serve(path):
    if len(path) == 0 or "\x00" in path:
        raise ValueError("path")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, "path")
    with Listener(path) as listener:
        while True:
            select.select([listener], [], [])
            try:
                client = listener.accept()[0]
            except OSError as e:
                if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.005)
                continue
            try:
                echo(client)
            except OSError:
                pass
            client.close()
