"""Greet one client through a file object."""

import selectors
import socket


def open_server(port: str) -> socket.socket:
    (family, kind, protocol, _, address), *others = socket.getaddrinfo(
        None, port, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    while True:
        server = None
        try:
            server = socket.socket(family, kind, protocol)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
            server.bind(address)
            return server
        except OSError:
            if server is not None:
                server.close()
            if not others:
                raise
            family, kind, protocol, _, address = others.pop(0)


def greet_one(port: str) -> None:
    server = open_server(port)
    try:
        server.listen(1)
        with selectors.DefaultSelector() as selector:
            selector.register(server, selectors.EVENT_READ)
            selector.select()
        client, _ = server.accept()
    finally:
        server.close()
    try:
        with client.makefile("wb") as stream:
            stream.write(b"Hi client - you have successfully connected!")
    finally:
        client.close()
