"""A UDP server in one loop: the socket does not block, and is emptied at each turn."""

import errno
import selectors
import socket

LOST = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def open_server(port: str) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_DGRAM, 0, socket.AI_PASSIVE
    )[0]
    server = socket.socket(family, kind, protocol)
    try:
        server.bind(address)
        server.setblocking(False)
    except OSError:
        server.close()
        raise
    return server


def empty(server: socket.socket, room: memoryview) -> None:
    """Answer what has come, until nothing is left."""
    while True:
        try:
            count, client = server.recvfrom_into(room)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno in LOST:
                raise
            continue
        try:
            server.sendto(bytes(room[:count]).upper(), client)
        except OSError:
            continue


def serve(port: str) -> None:
    room = memoryview(bytearray(65507))
    with open_server(port) as server, selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        while True:
            for _ in selector.select():
                empty(server, room)
