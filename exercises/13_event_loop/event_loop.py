"""A chat room: one thread serves everybody, and nothing that it does can block."""

import errno
import select
import socket
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

LONGEST_LINE = 4096


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
        self.sock = sock
        self.line = bytearray()
        self.queue = bytearray()
        self.gone = False

    def hear(self) -> bytes:
        """Receive once; returns the lines that are complete now."""
        try:
            data = self.sock.recv(LONGEST_LINE)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        self.line += data
        end = len(self.line)
        lines, self.line = self.line[:end], self.line[end:]
        return lines

    def tell(self, lines: bytes) -> None:
        """Send lines, as far as that goes; what is left over waits."""
        self.queue += lines
        while self.queue and not self.gone:
            select.select([], [self.sock], [])
            self.flush()

    def flush(self) -> None:
        """Send of what waits as much as the kernel takes."""
        try:
            while self.queue:
                self.sock.send(self.queue)
                self.queue.clear()
        except (BlockingIOError, ConnectionResetError):
            self.gone = True


class Room:
    """Everybody who is here, and the selector that tells who is ready."""

    def __init__(self, listener: socket.socket, selector: DefaultSelector) -> None:
        self.listener = listener
        self.selector = selector
        self.clients: list[Client] = []
        selector.register(listener, EVENT_READ)

    def admit(self) -> None:
        """Accept a client."""
        try:
            sock, _ = self.listener.accept()
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            return
        client = Client(sock)
        self.clients.append(client)
        self.selector.register(sock, EVENT_READ, client)

    def attend(self, client: Client, events: int) -> None:
        """Do what a client is ready for."""
        if events & EVENT_READ:
            lines = client.hear()
            for other in self.clients:
                other.tell(lines)
        if events & EVENT_WRITE:
            client.flush()

    def turn(self) -> None:
        """Wait until something can be done, and do it."""
        ready = self.selector.select()
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
                wanted = EVENT_READ | EVENT_WRITE
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
