"""An echo server: a process for each client."""

import errno
import os
import socket
import time


def listen_on(port: str) -> socket.socket:
    """Listen on port, on every IPv4 address of this machine."""
    candidates = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    for family, kind, protocol, _, address in candidates:
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(10)
            return listener
        except OSError as refusal:
            error = refusal
            listener.close()
    raise error


def echo(connection: socket.socket) -> None:
    """Send back what comes in, until end-of-file."""
    while data := connection.recv(4096):
        connection.sendall(data)


def reap() -> None:
    """Let go of the children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass  # there is none left


def serve(port: str) -> None:
    """Echo what clients send, each in a process of its own, until this one ends.

    Raises:
        socket.gaierror: the service is unknown.
        OSError: the port cannot be had, or is lost.
    """
    with listen_on(port) as listener:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.01)  # descriptors may lack for a while
                continue
            try:
                child = os.fork()
            except OSError:
                child = None  # no process for this client: it is lost
            if child == 0:
                try:
                    listener.close()
                    echo(connection)
                finally:
                    os._exit(0)
            connection.close()
            reap()
