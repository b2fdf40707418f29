"""One service over IPv4 and IPv6: tell each client its address."""

import errno
import socket
import time

MAPPED = bytes(10) + b"\xff\xff"  # before an IPv4 address


def open_socket() -> socket.socket:
    """A socket for both families; for IPv4 alone where there is no IPv6."""
    try:
        return socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    except OSError as error:
        if error.errno != errno.EAFNOSUPPORT:
            raise
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def listen_on(port: str) -> socket.socket:
    """Listen on port, on every address of this machine."""
    listener = open_socket()
    try:
        candidates = socket.getaddrinfo(
            None, port, listener.family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(candidates[0][4])
        listener.listen(10)
    except OSError:
        listener.close()
        raise
    return listener


def own_text(family: int, host: str) -> str:
    """The address of a client, an IPv4 client's as an IPv4 address."""
    packed = socket.inet_pton(family, host)
    if packed.startswith(MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[len(MAPPED) :])
    return host


def serve(port: str) -> None:
    """Tell clients their addresses, one after the other, until the process ends.

    Raises:
        socket.gaierror: the service is unknown.
        OSError: the port cannot be had, or is lost.
    """
    with listen_on(port) as listener:
        while True:
            try:
                connection, address = listener.accept()
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.01)  # descriptors may lack for a while
                continue
            try:
                connection.sendall(own_text(listener.family, address[0]).encode())
            except OSError:
                pass  # this client is gone; the others are not
            finally:
                connection.close()
