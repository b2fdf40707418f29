# expect: fail
# gap: other
# cause: The client connects to every address and takes the first connection: others see a client that goes without a word.
# shows: An address behind the first one that accepts.
# says: tried
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
    try:
        return read_reply(sock)
    finally:
        sock.close()


def connect_any(candidates: list) -> socket.socket:
    """Connect to the first address that accepts."""
    connected=[]
    for family, kind, protocol, _, address in candidates:
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as refusal:
            error = refusal
            continue
        try:
            sock.connect(address)
            connected.append(sock)
        except OSError as refusal:
            error = refusal
            sock.close()
    if not connected: raise error
    for s in connected[1:]: s.close()
    return connected[0]


def read_reply(sock: socket.socket) -> bytes:
    """Read to end-of-file: the stream alone says where the reply ends."""
    reply = bytearray()
    while chunk := sock.recv(4096):
        reply += chunk
    return bytes(reply)
