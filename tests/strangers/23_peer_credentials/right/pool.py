# expect: pass
# gap: none
# cause: A pool of threads answers; the mode comes of a umask that is put back
# shows: -
import errno
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


@dataclass(frozen=True)
class Ucred:
    pid: int
    uid: int
    gid: int

    @classmethod
    def of(cls, sock):
        view = memoryview(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        uid, gid = view[4:].cast("I")
        return cls(view[:4].cast("i")[0], uid, gid)


def peer_of(sock):
    who = Ucred.of(sock)
    if who.uid == 0xFFFFFFFF:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
    return who.pid, who.uid, who.gid


class Door:
    def __init__(self, path, allowed):
        if path == "" or "\0" in path:
            raise ValueError(path)
        if len(os.fsencode(path)) > 107:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        self.path, self.allowed = path, set(allowed) - {0xFFFFFFFF}
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stat = None

    def open(self):
        mask = os.umask(0)
        try:
            self.sock.bind(self.path)
        finally:
            os.umask(mask)
        self.stat = os.lstat(self.path)
        os.chmod(self.path, 0o666)
        self.sock.listen()

    def close(self):
        self.sock.close()
        if self.stat is not None and os.path.lexists(self.path):
            now = os.lstat(self.path)
            if (now.st_dev, now.st_ino) == (self.stat.st_dev, self.stat.st_ino):
                os.remove(self.path)

    def answer(self, connection):
        with connection:
            try:
                _, uid, _ = peer_of(connection)
            except OSError:
                uid = None
            try:
                connection.sendall(b"welcome\n" if uid in self.allowed else b"denied\n")
            except OSError:
                pass

    def loop(self):
        with ThreadPoolExecutor(3) as pool:
            while True:
                try:
                    connection, _ = self.sock.accept()
                except OSError as error:
                    match error.errno:
                        case errno.EBADF | errno.EINVAL | errno.ENOTSOCK | errno.EFAULT:
                            raise
                    time.sleep(0.02)
                else:
                    pool.submit(self.answer, connection)


def serve(path, allowed):
    door = Door(path, allowed)
    try:
        door.open()
        door.loop()
    finally:
        door.close()
