"""All clients in one loop; names are looked up and removed by a descriptor of the
directory, whose lock is asked for again and again."""

import errno
import fcntl
import os
import selectors
import socket
import stat
import time
from contextlib import ExitStack

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def fail(number, path):
    raise OSError(number, os.strerror(number), path)


class Place:
    """A name in a directory."""

    def __init__(self, path):
        if not path or "\0" in path:
            raise ValueError("a socket needs a path")
        if len(os.fsencode(path)) > 107:
            fail(errno.ENAMETOOLONG, path)
        self.path, (head, self.name) = path, os.path.split(path)
        self.directory = os.open(head or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.directory)

    def lock(self):
        while True:
            try:
                return fcntl.flock(self.directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)

    def unlock(self):
        fcntl.flock(self.directory, fcntl.LOCK_UN)

    def look(self):
        try:
            return os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def remove(self):
        os.unlink(self.name, dir_fd=self.directory)

    def clear(self):
        there = self.look()
        if there is None:
            return
        if not stat.S_ISSOCK(there.st_mode):
            fail(errno.EADDRINUSE, self.path)
        probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        with probe:
            outcome = probe.connect_ex(self.path)
        match outcome:
            case errno.ECONNREFUSED:
                self.remove()
            case 0 | errno.EAGAIN | errno.EPROTOTYPE:
                fail(errno.EADDRINUSE, self.path)
            case other:
                fail(other, self.path)


class Client:
    """One connection: what it sent last, until all of it is sent back."""

    def __init__(self, sock):
        self.sock, self.pending = sock, b""

    def turn(self):
        """Read or write once; whether there is more to come."""
        try:
            if not self.pending:
                self.pending = self.sock.recv(4096)
                if not self.pending:
                    return False
            self.pending = self.pending[self.sock.send(self.pending) :]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True


def accept(listener, selector):
    try:
        sock, _ = listener.accept()
    except BlockingIOError:
        return
    except OSError as error:
        if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
            raise
        time.sleep(0.01)
        return
    sock.setblocking(False)
    selector.register(sock, READ, Client(sock))


def loop(listener, selector):
    selector.register(listener, READ)
    while True:
        for key, _ in selector.select():
            client = key.data
            if client is None:
                accept(listener, selector)
            elif client.turn():
                selector.modify(client.sock, WRITE if client.pending else READ, client)
            else:
                selector.unregister(client.sock)
                client.sock.close()


def serve(path):
    with Place(path) as place, ExitStack() as ending:
        place.lock()
        place.clear()
        listener = ending.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(path)
        own = None

        @ending.callback
        def remove():
            there = place.look()
            if there is not None and (own is None or os.path.samestat(there, own)):
                place.remove()

        own = place.look()
        os.chmod(place.name, 0o600, dir_fd=place.directory)
        listener.listen(16)
        listener.setblocking(False)
        place.unlock()
        loop(listener, ending.enter_context(selectors.DefaultSelector()))
