"""One service over IPv4 and IPv6: tell each client its address."""

import errno
import socket
import time


def open_socket() -> socket.socket:
    """A socket for both families; for IPv4 alone where there is no IPv6."""
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def listen_on(port: str) -> socket.socket:
    """Listen on port, on every address of this machine."""
    listener = open_socket()
    try:
        candidates = socket.getaddrinfo(
            None, port, listener.family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener.bind(candidates[0][4])
        listener.listen(10)
    except OSError:
        raise
    return listener


def own_text(family: int, host: str) -> str:
    """The address of a client, an IPv4 client's as an IPv4 address."""
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
                if error.errno != errno.ECONNABORTED:
                    raise
                time.sleep(0.01)  # descriptors may lack for a while
                continue
            try:
                connection.sendall(own_text(listener.family, address[0]).encode())
            except BrokenPipeError:
                pass  # this client did not wait for its address
            finally:
                connection.close()
