"""A UDP server: each datagram goes back to its sender, in capitals."""

import socket


def bound_socket(port: str) -> socket.socket:
    """A UDP socket on port, of every IPv4 address of this machine."""
    candidates = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_DGRAM
    )
    for family, kind, protocol, _, address in candidates:
        server = socket.socket(family, kind, protocol)
        try:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(address)
            return server
        except OSError as refusal:
            error = refusal
    raise error


def serve(port: str) -> None:
    """Answer datagrams with the same in capitals, until the process ends.

    Raises:
        socket.gaierror: the service is unknown.
        OSError: the port cannot be had, or the socket is lost.
    """
    with bound_socket(port) as server:
        while True:
            try:
                data, client = server.recvfrom(4096)
            except ConnectionResetError:
                continue  # this client is gone
            if not data:
                return
            try:
                server.connect(client)
                server.send(data.upper())
            except ConnectionResetError:
                pass  # this client is gone
