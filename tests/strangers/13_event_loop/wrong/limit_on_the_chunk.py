# expect: fail
# gap: other
# cause: The limit of a line is checked against everything that has been received, before it is taken apart: a client that sends many short lines at once is thrown out as if it had sent an overlong one.
# shows: A client sends more than 4,096 bytes of short lines in one go: none of them arrives, and it is disconnected.
# says: who had not left
import errno
import select
import socket

MAX_LINE = 4096
MAX_QUEUE = 64 * 1024
HOPELESS = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def open_server(service):
    last = None
    infos = socket.getaddrinfo(None, service, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    for *_, sockaddr in infos:
        try:
            return socket.create_server(sockaddr, backlog=socket.SOMAXCONN)  # sets SO_REUSEADDR
        except OSError as problem:
            last = problem
    raise last


class Client:
    def __init__(self, sock):
        self.sock = sock
        self.received = b""
        self.queue = bytearray()
        self.gone = False

    def flush(self):
        try:
            sent = self.sock.send(self.queue)
        except BlockingIOError:
            return
        except OSError:
            self.gone = True
            return
        del self.queue[:sent]

    def post(self, line):
        self.queue += line
        if len(self.queue) == len(line):
            self.flush()
        if len(self.queue) > MAX_QUEUE:
            self.gone = True

    def lines(self):
        try:
            data = self.sock.recv(16384)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        self.received += data
        if not data or len(self.received) > MAX_LINE + 1:
            self.gone = True
            return []
        *lines, self.received = self.received.split(b"\n")
        if len(self.received) > MAX_LINE:
            self.gone = True
        return [line + b"\n" for line in lines]


class Room:
    def __init__(self, listener):
        self.listener = listener
        self.clients = {}
        self.resting = False

    def admit(self):
        try:
            sock, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as exc:
            if exc.errno in HOPELESS:
                raise
            self.resting = True
            return
        sock.setblocking(False)
        self.clients[sock.fileno()] = Client(sock)

    def turn(self):
        poller = select.poll()
        if not self.resting:
            poller.register(self.listener, select.POLLIN)
        for fd, client in self.clients.items():
            poller.register(fd, select.POLLIN | (select.POLLOUT if client.queue else 0))
        events = poller.poll(20 if self.resting else None)
        self.resting = False
        for fd, event in events:
            client = self.clients.get(fd)
            if client is None or client.gone:
                continue
            if event & select.POLLOUT:
                client.flush()
            if event & ~select.POLLOUT and not client.gone:
                for line in client.lines():
                    for other in self.clients.values():
                        if other is not client and not other.gone:
                            other.post(line)
        for fd in [fd for fd, client in self.clients.items() if client.gone]:
            self.clients.pop(fd).sock.close()
        if any(fd == self.listener.fileno() for fd, _ in events):
            self.admit()


def serve(port: str) -> None:
    with open_server(port) as listener:
        listener.setblocking(False)
        room = Room(listener)
        try:
            while True:
                room.turn()
        finally:
            for client in room.clients.values():
                client.sock.close()
