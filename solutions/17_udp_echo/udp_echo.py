"""A UDP server: each datagram goes back to its sender, in capitals."""

import errno
import socket


def bound_socket(port: str) -> socket.socket:
    """A UDP socket on port, of every IPv4 address of this machine."""
    candidates = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )
    for family, kind, protocol, _, address in candidates:
        server = socket.socket(family, kind, protocol)
        try:
            server.bind(address)
            return server
        except OSError as refusal:
            error = refusal
            server.close()
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
                data, client = server.recvfrom(65535)
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                continue  # it speaks of an earlier answer
            try:
                server.sendto(data.upper(), client)
            except OSError:
                pass  # this answer is lost; the next one need not be
