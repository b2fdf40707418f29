"""An echo server in one loop, in which nothing blocks."""

import errno
import selectors
import socket
import time

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
FINAL = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def open_listener(port: str) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(16)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


class Client:
    """One connection: what it sent last, until all of it is sent back."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.pending = sock, b""

    def turn(self) -> bool:
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


def accept(listener: socket.socket) -> socket.socket | None:
    try:
        sock, _ = listener.accept()
    except BlockingIOError:
        return None
    except OSError as error:
        if error.errno in FINAL:
            raise
        time.sleep(0.01)
        return None
    sock.setblocking(False)
    return sock


def serve(port: str) -> None:
    with open_listener(port) as listener, selectors.DefaultSelector() as selector:
        selector.register(listener, READ)
        while True:
            for key, _ in selector.select():
                client = key.data
                if client is None:
                    sock = accept(listener)
                    if sock is not None:
                        selector.register(sock, READ, Client(sock))
                elif client.turn():
                    selector.modify(client.sock, WRITE if client.pending else READ, client)
                else:
                    selector.unregister(client.sock)
                    client.sock.close()
