"""A chat room around an epoll object that tells of changes only."""

import select
import socket
from collections import deque

IN, OUT, ET = select.EPOLLIN, select.EPOLLOUT, select.EPOLLET


class Guest:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.parts = b""
        self.waiting: deque[bytes] = deque()
        self.here = True

    def read(self) -> list[bytes]:
        """All that has come, as the lines that it completes."""
        lines = []
        while self.here:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            self.here = data != b""
            for piece in cut(data):
                self.parts += piece
                if len(self.parts.rstrip(b"\n")) > 4096:
                    self.here = False
                    return lines
                if self.parts.endswith(b"\n"):
                    lines.append(self.parts)
                    self.parts = b""
        return lines

    def write(self) -> None:
        while self.here and self.waiting:
            line = self.waiting.popleft()
            try:
                sent = self.sock.send(line)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.here = False
                return
            if sent < len(line):
                self.waiting.appendleft(line[sent:])
            if sent == 0:
                break
        if sum(map(len, self.waiting)) > 64 * 1024:
            self.here = False


def cut(data: bytes) -> list[bytes]:
    *lines, rest = data.split(b"\n")
    return [line + b"\n" for line in lines] + [rest] * bool(rest)


def admit(listener: socket.socket, epoll: select.epoll, guests: dict[int, Guest]) -> float:
    """Accept all who wait; how long to wait until the next attempt (-1: for an event)."""
    while True:
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return -1
        except OSError:
            return 0.01
        sock.setblocking(False)
        guests[sock.fileno()] = Guest(sock)
        epoll.register(sock, IN | OUT | ET)


def serve(port: str) -> None:
    (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
        None, port, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    guests: dict[int, Guest] = {}
    patience = -1.0
    with socket.socket(family, kind, protocol) as listener, select.epoll() as epoll:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(socket.SOMAXCONN)
        listener.setblocking(False)
        epoll.register(listener, IN | ET)
        try:
            while True:
                for fd, event in epoll.poll(patience):
                    guest = guests.get(fd)
                    if guest and event & ~OUT:
                        for line in guest.read():
                            for other in guests.values():
                                if other is not guest:
                                    other.waiting.append(line)
                                    other.write()
                    if guest and event & OUT:
                        guest.write()
                for fd in [fd for fd, guest in guests.items() if not guest.here]:
                    guests.pop(fd).sock.close()
                patience = admit(listener, epoll, guests)
        finally:
            for guest in guests.values():
                guest.sock.close()
