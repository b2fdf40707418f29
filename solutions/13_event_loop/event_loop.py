"""A chat room: one thread serves everybody, and nothing that it does can block."""

import errno
import socket
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

LONGEST_LINE = 4096
LONGEST_QUEUE = 65536


def listen_on(port: str) -> socket.socket:
    """Listen on port, on every IPv4 address of this machine."""
    candidates = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    for family, kind, protocol, _, address in candidates:
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(100)
            listener.setblocking(False)
            return listener
        except OSError as refusal:
            error = refusal
            listener.close()
    raise error


class Client:
    """A connection, the line that is coming in on it, and what is to go out."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.line = bytearray()
        self.queue = bytearray()
        self.gone = False

    def hear(self) -> bytes:
        """Receive once; returns the lines that are complete now."""
        try:
            data = self.sock.recv(LONGEST_LINE + 1 - len(self.line))
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        self.line += data
        end = self.line.rfind(b"\n") + 1
        lines, self.line = self.line[:end], self.line[end:]
        if not data or len(self.line) > LONGEST_LINE:
            self.gone = True
        return lines

    def tell(self, lines: bytes) -> None:
        """Send lines, as far as that goes; what is left over waits."""
        self.queue += lines
        self.flush()
        if len(self.queue) > LONGEST_QUEUE:
            self.gone = True

    def flush(self) -> None:
        """Send of what waits as much as the kernel takes."""
        try:
            while self.queue:
                sent = self.sock.send(self.queue)
                del self.queue[:sent]
        except BlockingIOError:
            pass  # the selector will tell when there is room
        except OSError:
            self.gone = True


class Room:
    """Everybody who is here, and the selector that tells who is ready."""

    def __init__(self, listener: socket.socket, selector: DefaultSelector) -> None:
        self.listener = listener
        self.selector = selector
        self.clients: list[Client] = []
        self.pause: float | None = None
        selector.register(listener, EVENT_READ)

    def admit(self) -> None:
        """Accept a client."""
        try:
            sock, _ = self.listener.accept()
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            self.selector.unregister(self.listener)
            self.pause = 0.01  # descriptors may lack for a while
            return
        client = Client(sock)
        self.clients.append(client)
        self.selector.register(sock, EVENT_READ, client)

    def attend(self, client: Client, events: int) -> None:
        """Do what a client is ready for."""
        if events & EVENT_READ:
            lines = client.hear()
            for other in self.clients:
                if other is not client:
                    other.tell(lines)
        if events & EVENT_WRITE:
            client.flush()

    def turn(self) -> None:
        """Wait until something can be done, and do it."""
        ready = self.selector.select(self.pause)
        if self.pause:
            self.selector.register(self.listener, EVENT_READ)
            self.pause = None
        for key, events in ready:
            if key.fileobj is self.listener:
                self.admit()
            else:
                self.attend(key.data, events)
        for client in self.clients[:]:
            if client.gone:
                self.clients.remove(client)
                self.selector.unregister(client.sock)
                client.sock.close()
            else:
                wanted = EVENT_READ | EVENT_WRITE if client.queue else EVENT_READ
                self.selector.modify(client.sock, wanted, client)


def serve(port: str) -> None:
    """Pass each client's lines on to all others, until the process ends.

    Raises:
        socket.gaierror: the service is unknown.
        OSError: the port cannot be had, or is lost.
    """
    with listen_on(port) as listener, DefaultSelector() as selector:
        room = Room(listener, selector)
        try:
            while True:
                room.turn()
        finally:
            for client in room.clients:
                client.sock.close()
