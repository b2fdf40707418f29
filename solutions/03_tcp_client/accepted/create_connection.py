"""Fetch a reply with the library's own loop over addresses, and a file object."""

import socket


def fetch(host: str, port: str) -> bytes:
    with socket.create_connection((host, port)) as connection, connection.makefile("rb") as reply:
        return reply.read()
