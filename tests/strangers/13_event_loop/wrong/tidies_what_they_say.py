# expect: fail
# gap: other
# cause: Each line is stripped before it is passed on: blanks at its edges and the CR before its LF are lost, and the line must go unchanged.
# shows: A client says '  indented' or ends its lines with CR LF.
# says: the CR before its LF is gone
import contextlib
import errno
import selectors
import socket
import time

LONGEST_LINE = 4096
MOST_QUEUED = 64 * 1024


def _bind(info):
    family, kind, protocol, _, address = info
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.socket(family, kind, protocol))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        sock.bind(address)
        sock.listen()
        stack.pop_all()
        return sock


def _listen(port):
    infos = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for info in infos[:-1]:
        with contextlib.suppress(OSError):
            return _bind(info)
    return _bind(infos[-1])


class Client:
    def __init__(self, sock):
        self.sock = sock
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.mute = False  # sending has failed
        self.watched = selectors.EVENT_READ


class Room:
    def __init__(self, listener):
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.clients = {}
        self.reopen_at = None

    def run(self):
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)
        try:
            while True:
                self.turn()
        finally:
            for client in list(self.clients.values()):
                client.sock.close()
            self.selector.close()

    def turn(self):
        timeout = None
        if self.reopen_at is not None:
            timeout = max(0.0, self.reopen_at - time.monotonic())
        for key, events in self.selector.select(timeout):
            if key.fileobj is self.listener:
                self.accept()
                continue
            client = key.data
            if events & selectors.EVENT_WRITE and client.sock in self.clients:
                self.flush(client)
            if events & selectors.EVENT_READ and client.sock in self.clients:
                self.read(client)
        if self.reopen_at is not None and time.monotonic() >= self.reopen_at:
            self.reopen_at = None
            self.selector.register(self.listener, selectors.EVENT_READ)

    def accept(self):
        try:
            sock, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            self.selector.unregister(self.listener)
            self.reopen_at = time.monotonic() + 0.03
            return
        sock.setblocking(False)
        client = Client(sock)
        try:
            self.selector.register(sock, selectors.EVENT_READ, client)
        except OSError:
            sock.close()
            return
        self.clients[sock] = client

    def drop(self, client):
        del self.clients[client.sock]
        self.selector.unregister(client.sock)
        client.sock.close()

    def read(self, client):
        try:
            data = client.sock.recv(8192)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop(client)
            return
        client.inbox += data
        while (end := client.inbox.find(b"\n") + 1) > 0:
            line = bytes(client.inbox[:end])
            if len(line) > LONGEST_LINE + 1:
                break
            del client.inbox[:end]
            self.broadcast(client, line.strip() + b"\n")
        if len(client.inbox) > LONGEST_LINE:
            self.drop(client)

    def broadcast(self, sender, line):
        for client in list(self.clients.values()):
            if client is sender or client.mute:
                continue
            client.outbox += line
            self.flush(client)
            if len(client.outbox) > MOST_QUEUED:
                self.drop(client)

    def flush(self, client):
        try:
            while client.outbox:
                del client.outbox[: client.sock.send(client.outbox)]
        except BlockingIOError:
            pass
        except OSError:
            client.mute = True
            client.outbox.clear()
        wanted = selectors.EVENT_READ
        if client.outbox:
            wanted |= selectors.EVENT_WRITE
        if wanted != client.watched:
            client.watched = wanted
            self.selector.modify(client.sock, wanted, client)


def serve(port: str) -> None:
    with _listen(port) as listener:
        Room(listener).run()
