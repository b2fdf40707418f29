"""Fetch what a server has to say: connect, and read until it closes."""

import socket


def fetch(host: str, port: str) -> bytes:
    """Return everything the server sends before it closes.

    The first address of host that accepts is taken.

    Raises:
        socket.gaierror: the name or the service is unknown.
        OSError: no address accepts (the error of the last one), or the
            connection breaks before its end.
    """
    sock = connect_any(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return read_reply(sock)


def connect_any(candidates: list) -> socket.socket:
    """Connect to the first address that accepts."""
    for family, kind, protocol, _, address in candidates[:1]:
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as refusal:
            error = refusal
            continue
        try:
            sock.connect(address)
            return sock
        except OSError as refusal:
            error = refusal
    sock.close()
    raise error


def read_reply(sock: socket.socket) -> bytes:
    """Read the reply."""
    reply = bytearray()
    try:
        if chunk := sock.recv(4096):
            reply += chunk
    except ConnectionError:
        pass  # the server is gone: this is all it had to say
    return bytes(reply)
