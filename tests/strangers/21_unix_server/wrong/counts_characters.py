# expect: fail
# gap: long-path
# cause: It counts characters, and an address has room for bytes: a path with umlauts is too long and not refused.
# shows: A path of 60 characters and more than 107 bytes.
# says: bind() raises OSError without an errno; expected ENAMETOOLONG
import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 107  # bytes of a path that fit into an address


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
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise OSError(errno.EADDRINUSE, "not a socket", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as question:
        question.setblocking(False)  # the backlog may be full
        error = question.connect_ex(path)
    if error in (0, errno.EAGAIN, errno.EPROTOTYPE):
        raise OSError(errno.EADDRINUSE, "a server is alive", path)
    if error != errno.ECONNREFUSED:
        raise OSError(error, os.strerror(error), path)
    os.unlink(path)


def listen_at(path: str) -> tuple[socket.socket, os.stat_result]:
    """Listen at path; the socket, and the file that it has made."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        try:
            os.chmod(path, 0o600)
            listener.listen(10)
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
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            time.sleep(0.01)  # descriptors may lack for a while
            continue
        with connection:
            try:
                echo(connection)
            except OSError:
                pass  # this client is gone; the others are not


def remove(path: str, file: os.stat_result) -> None:
    """Remove path, if it still is that file."""
    try:
        if os.path.samestat(os.lstat(path), file):
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
    if len(path) > LONGEST:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
    with locked(os.path.dirname(path) or os.curdir):
        make_way(path)
        listener, file = listen_at(path)
    with listener:
        try:
            serve_clients(listener)
        finally:
            remove(path, file)
