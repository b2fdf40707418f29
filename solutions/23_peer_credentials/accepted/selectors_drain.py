"""One loop in which nothing blocks; what clients say is read away after their answer."""

import contextlib
import errno
import os
import selectors
import socket
import stat
import time
from array import array

FINAL = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def peer_of(sock):
    three = array("I", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    pid, uid, gid = three
    if uid + 1 == 1 << 32:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
    return pid, uid, gid


def open_door(path):
    name = os.fsencode(path)
    if not name or b"\0" in name:
        raise ValueError("no path")
    if len(name) > 107:
        raise OSError(errno.ENAMETOOLONG, path)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    with contextlib.ExitStack() as undo:
        undo.callback(door.close)
        old = os.umask(0o111)
        try:
            door.bind(name)
        finally:
            os.umask(old)
        undo.callback(os.unlink, name)
        mark = os.stat(name, follow_symlinks=False)
        if stat.S_IMODE(mark.st_mode) != 0o666:
            os.chmod(name, 0o666)
        door.listen()
        undo.pop_all()
    return door, name, mark.st_ino, mark.st_dev


class Visitor:
    def __init__(self, connection, allowed):
        self.connection = connection
        try:
            _pid, uid, _gid = peer_of(connection)
            self.left = b"welcome\n" if allowed.count(uid) else b"denied\n"
        except OSError:
            self.left = b"denied\n"

    def says_more(self):
        """Whether there is still something to be told."""
        try:
            self.left = self.left[self.connection.send(self.left) :]
        except BlockingIOError:
            pass
        except OSError:
            self.left = b""
        if not self.left:
            with contextlib.suppress(OSError):
                while self.connection.recv(4096):
                    pass
            self.connection.close()
        return bool(self.left)


def let_in(door, allowed, selector):
    try:
        connection, _ = door.accept()
    except BlockingIOError:
        return
    except OSError as error:
        if error.errno in FINAL:
            raise
        time.sleep(0.02)
        return
    connection.setblocking(False)
    visitor = Visitor(connection, allowed)
    if visitor.says_more():
        selector.register(connection, selectors.EVENT_WRITE, visitor)


def serve(path, allowed):
    door, name, inode, device = open_door(path)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(door, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.data is None:
                        let_in(door, allowed, selector)
                    elif not key.data.says_more():
                        selector.unregister(key.fileobj)
    finally:
        with contextlib.suppress(FileNotFoundError):
            now = os.lstat(name)
            if (now.st_ino, now.st_dev) == (inode, device):
                os.unlink(name)
        door.close()
