# expect: fail
# gap: other
# cause: A client that is dropped while a line is passed round is removed from the dictionary that the loop is walking: RuntimeError, and the server ends.
# shows: A client that does not read exceeds its 64 KiB while others remain in the room.
# says: RuntimeError: dictionary changed size during iteration
import errno
import selectors
import socket
import time

LONGEST_LINE = 4096
MOST_QUEUED = 64 * 1024


def open_listener(port):
    failure = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    ):
        try:
            listener = socket.socket(family, kind, protocol)
        except OSError as error:
            failure = error
            continue
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            failure = error
            listener.close()
            continue
        return listener
    raise failure


class Client:
    def __init__(self, sock):
        self.sock = sock
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.mute = False  # sending has failed
        self.watched = selectors.EVENT_READ


class ChatRoom:
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
            self.broadcast(client, line)
        if len(client.inbox) > LONGEST_LINE:
            self.drop(client)

    def broadcast(self, sender, line):
        for client in self.clients.values():
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
    with open_listener(port) as listener:
        ChatRoom(listener).run()
