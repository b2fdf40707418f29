"""An echo server: one client after the other, for ever."""

import errno
import socket


def listen_on(port: str) -> socket.socket:
    """Listen on port, on every IPv4 address of this machine."""
    candidates = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    for family, kind, protocol, _, address in candidates:
        listener = socket.socket(family, kind, protocol)
        try:
            listener.bind(address)
            listener.listen(10)
            return listener
        except OSError as refusal:
            error = refusal
    raise error


def echo(connection: socket.socket) -> None:
    """Send back what comes in, until end-of-file."""
    while True:
        data = connection.recv(4096)
        connection.send(data)


def serve(port: str) -> None:
    """Echo what clients send, one client after the other, until the process ends.

    Raises:
        socket.gaierror: the service is unknown.
        OSError: the port cannot be had, or is lost.
    """
    with listen_on(port) as listener:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if error.errno != errno.ECONNABORTED:
                    raise
                continue
            try:
                echo(listener)
            except BrokenPipeError:
                pass  # this client did not wait for its echo
            return
