# expect: fail
# gap: other
# cause: The limit of a line is compared with all that has been received so far, before the lines are taken out of it; many short lines in one chunk count as one long line.
# shows: A client that sends many short lines at once, more than 4,096 bytes altogether.
# says: who had not left
import errno
import select
import socket

MAX_LINE = 4096
MAX_PENDING = 65536


def listening_socket(port):
    exc = None
    for family, type_, proto, _, sockaddr in socket.getaddrinfo(
            None, port, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
        try:
            sock = socket.socket(family, type_, proto)
        except OSError as e:
            exc = e
            continue
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(sockaddr)
            sock.listen(socket.SOMAXCONN)
            sock.setblocking(False)
            return sock
        except OSError as e:
            exc = e
            sock.close()
    raise exc


class Connection:
    def __init__(self, sock):
        sock.setblocking(False)
        self.sock = sock
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.finished = False  # nothing more to read
        self.dead = False

    def events(self):
        return (0 if self.finished else select.POLLIN) | (select.POLLOUT if self.outbox else 0)

    def lines(self):
        """Receive once; return the complete lines."""
        try:
            chunk = self.sock.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            self.dead = True
            return []
        if not chunk:
            self.finished = True
            return []
        self.inbox += chunk
        if len(self.inbox) > MAX_LINE + 1 or (len(self.inbox) == MAX_LINE + 1 and self.inbox[-1] != 10):
            self.dead = True
            return []
        complete, newline, rest = self.inbox.rpartition(b"\n")
        self.inbox = rest
        return [line + b"\n" for line in complete.split(b"\n")] if newline else []

    def push(self, data=b""):
        self.outbox += data
        try:
            while self.outbox:
                sent = self.sock.send(self.outbox)
                del self.outbox[:sent]
        except BlockingIOError:
            if len(self.outbox) > MAX_PENDING:
                self.dead = True
        except OSError:
            self.dead = True


def serve(port: str) -> None:
    listener = listening_socket(port)
    people = {}
    resting = False
    try:
        while True:
            poller = select.poll()
            if not resting:
                poller.register(listener, select.POLLIN)
            for fd, person in people.items():
                poller.register(fd, person.events())
            events = poller.poll(50 if resting else None)
            resting = False
            for fd, what in events:
                if fd == listener.fileno():
                    try:
                        sock, _ = listener.accept()
                        people[sock.fileno()] = Connection(sock)
                    except BlockingIOError:
                        pass
                    except OSError as e:
                        if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                            raise
                        resting = True
                    continue
                person = people[fd]
                if person.dead:
                    continue
                if what & select.POLLOUT:
                    person.push()
                if what & select.POLLIN:
                    for line in person.lines():
                        for other in people.values():
                            if other is not person and not other.dead and not other.finished:
                                other.push(line)
                elif what & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
                    person.dead = True
            for fd, person in list(people.items()):
                if person.dead or (person.finished and not person.outbox):
                    person.sock.close()
                    del people[fd]
    finally:
        listener.close()
        for person in people.values():
            person.sock.close()
