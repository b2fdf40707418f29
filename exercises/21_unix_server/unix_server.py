"""An echo server with a path for an address."""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def locked(directory: str) -> Iterator[None]:
    """Keep the servers of a directory from starting at the same time."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def make_way(path: str) -> None:
    """Remove what a server that is gone has left at path.

    Raises:
        OSError: EADDRINUSE where the path is taken; what else the question met.
    """
    try:
        os.lstat(path)
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as question:
        error = question.connect_ex(path)
    if error == 0:
        raise OSError(errno.EADDRINUSE, "a server is alive", path)


def listen_at(path: str) -> tuple[socket.socket, os.stat_result]:
    """Listen at path; the socket, and the file that it has made."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        try:
            return listener, os.lstat(path)
        except OSError:
            os.unlink(path)
            raise
    except OSError:
        listener.close()
        raise


def echo(connection: socket.socket) -> None:
    """Send back what comes in, until end-of-file."""
    while data := connection.recv(4096):
        connection.sendall(data)


def serve_clients(listener: socket.socket) -> None:
    """Echo what clients send, one after the other, as long as listener is good."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError as error:
            if error.errno != errno.ECONNABORTED:
                raise
            time.sleep(0.01)  # descriptors may lack for a while
            continue
        with connection:
            try:
                echo(connection)
            except BrokenPipeError:
                pass  # this client did not wait for its echo


def remove(path: str, file: os.stat_result) -> None:
    """Remove path, if it still is that file."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass  # somebody else has removed it


def serve(path: str) -> None:
    """Echo what clients send to a socket at path, until the process ends.

    Raises:
        ValueError: the path is empty, or has a zero byte.
        OSError: ENAMETOOLONG, EADDRINUSE; why else the socket cannot be had, or is lost.
    """
    if not path or "\0" in path:
        raise ValueError(f"not a path: {path!r}")
    with locked(os.path.dirname(path) or os.curdir):
        make_way(path)
        listener, file = listen_at(path)
    with listener:
        try:
            listener.listen(10)
            serve_clients(listener)
        finally:
            remove(path, file)
