# expect: pass
# gap: none
# cause: -
# shows: -
"""Every client is a generator that yields what it waits for."""
import errno
import selectors
import socket
import time

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
BROKEN = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def _listener(port):
    failure = OSError(errno.EADDRNOTAVAIL, "no address to listen on")
    for family, kind, proto, _name, where in socket.getaddrinfo(
            None, port, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
        sock = None
        try:
            sock = socket.socket(family, kind, proto)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(where)
            sock.listen(128)
            return sock
        except OSError as exc:
            failure = exc
            if sock is not None:
                sock.close()
    raise failure


def echo(conn):
    while True:
        yield READ
        try:
            chunk = conn.recv(32768)
        except BlockingIOError:
            continue
        if not chunk:
            return
        view = memoryview(chunk)
        while view:
            try:
                view = view[conn.send(view):]
            except BlockingIOError:
                yield WRITE


class Scheduler:
    def __init__(self, listener):
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, READ, None)

    def accept(self):
        try:
            conn, _ = self.listener.accept()
        except OSError as exc:
            if exc.errno in BROKEN:
                raise
            if not isinstance(exc, (BlockingIOError, ConnectionAbortedError)):
                time.sleep(0.01)
            return
        conn.setblocking(False)
        task = echo(conn)
        self.selector.register(conn, next(task), task)

    def advance(self, key):
        try:
            wanted = next(key.data)
        except (StopIteration, OSError):
            self.selector.unregister(key.fileobj)
            key.fileobj.close()
            return
        if wanted != key.events:
            self.selector.modify(key.fileobj, wanted, key.data)

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    self.accept()
                else:
                    self.advance(key)

    def close(self):
        for key in list(self.selector.get_map().values()):
            if key.data is not None:
                key.data.close()
                key.fileobj.close()
        self.selector.close()


def serve(port: str) -> None:
    with _listener(port) as listener:
        listener.setblocking(False)
        scheduler = Scheduler(listener)
        try:
            scheduler.run()
        finally:
            scheduler.close()
