"""A tapping relay: passes on what both sides say, and writes it down before."""

import errno
import io
import itertools
import os
import select
import socket
import time

ROOM = 65536  # bytes that may wait here, of each direction


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
            return listener
        except OSError as refusal:
            error = refusal
            listener.close()
    raise error


def reach(addresses: list[tuple]) -> socket.socket | None:
    """Connect to the first of these addresses that can be reached."""
    for family, kind, protocol, _, address in addresses:
        try:
            target = socket.socket(family, kind, protocol)
        except OSError:
            continue
        if target.connect_ex(address) == 0:
            return target
        target.close()
    return None


class Side:
    """One of the two that talk: its connection, and what it has said."""

    def __init__(self, sock: socket.socket, label: str, log: io.FileIO) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.label = label  # of its lines: "1 >"
        self.log = log
        self.held = b""  # said and written down, not passed on yet
        self.has_ended = False  # it has said its last byte
        self.is_told = False  # that the other one has
        self.is_lost = False

    def note(self, what: str) -> None:
        """Write a line of the log; no byte goes on before."""
        line = f"{self.label} {what}\n".encode()
        while line:
            line = line[self.log.write(line) :]

    def may_speak(self) -> bool:
        """Whether there is room for more of what it says."""
        return not self.has_ended and len(self.held) < ROOM

    def hear(self) -> None:
        """Receive once."""
        try:
            data = self.sock.recv(ROOM - len(self.held))
        except BlockingIOError:
            return
        except OSError:
            self.lose()
            return
        self.note(f"{len(data)} {data.hex()}" if data else "eof")
        self.held += data
        self.has_ended = not data

    def tell(self, other: "Side") -> None:
        """Send what the other side has said, and that it was all, as far as that goes."""
        try:
            if other.held:
                sent = self.sock.send(other.held)
                other.held = other.held[sent:]
            if other.has_ended and not (other.held or self.is_told):
                self.sock.shutdown(socket.SHUT_WR)
                self.is_told = True
        except BlockingIOError:
            pass  # poll() will tell when there is room
        except OSError:
            self.lose()

    def lose(self) -> None:
        """The connection is broken: whatever has done it counts as a reset."""
        self.is_lost = True
        if not self.has_ended:
            self.note("reset")


def relay(client: Side, target: Side) -> None:
    """Pass on both directions, until both have ended or a side is lost."""
    while not (client.is_told and target.is_told):
        poll = select.poll()
        for side, other in (client, target), (target, client):
            events = select.POLLIN if side.may_speak() else 0
            if other.held:
                events |= select.POLLOUT
            if events or not side.is_told:
                poll.register(side.sock, events)
        ready = dict(poll.poll())
        for side, other in (client, target), (target, client):
            events = ready.get(side.sock.fileno(), 0)
            if side.may_speak() and events & ~select.POLLOUT:
                side.hear()
            elif events & (select.POLLERR | select.POLLHUP):
                side.lose()
            if not side.is_lost:
                other.tell(side)
            if side.is_lost or other.is_lost:
                return


def next_client(listener: socket.socket) -> socket.socket:
    """Accept a client, after whatever errors that pass."""
    while True:
        try:
            return listener.accept()[0]
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            time.sleep(0.01)  # descriptors may lack for a while


def reap() -> None:
    """Let go of the children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass  # there is none left


def serve(port: str, host: str, service: str, log: str) -> None:
    """Relay each client to service at host, in a process of its own, and append to
    log what both say, until this process ends.

    Raises:
        socket.gaierror: host or one of the services is unknown.
        OSError: the port cannot be had, or is lost; the log cannot be opened.
    """
    addresses = socket.getaddrinfo(host, service, type=socket.SOCK_STREAM)
    with open(log, "ab", buffering=0) as file, listen_on(port) as listener:
        for number in itertools.count(1):
            connection = next_client(listener)
            try:
                child = os.fork()
            except OSError:
                child = None  # no process for this client: it is lost
            if child == 0:
                try:
                    listener.close()
                    if target := reach(addresses):
                        relay(
                            Side(connection, f"{number} >", file),
                            Side(target, f"{number} <", file),
                        )
                finally:
                    os._exit(0)
            connection.close()
            reap()
