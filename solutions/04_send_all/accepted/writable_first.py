"""Send a whole buffer, and wait with a selector for room before each call."""

import selectors
import socket


def send_all(sock: socket.socket, data: bytes) -> None:
    rest = memoryview(data)
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        while rest:
            selector.select(sock.gettimeout())
            rest = rest[sock.send(rest) :]
