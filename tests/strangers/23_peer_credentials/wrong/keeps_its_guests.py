# expect: fail
# gap: other
# cause: Whoever is welcome stays connected, as if there were more to come.
# shows: A client waits for the end of its answer.
# says: ann waits for the end of the connection
"""A server that asks the kernel who has connected, and lets in whoever is on its list."""

import errno
import os
import socket
import struct
import time

LONGEST = 107  # bytes of a path that fit into an address


def peer_of(sock: socket.socket) -> tuple[int, int, int]:
    """Process, user and group at the other end of a Unix stream socket.

    Raises:
        OSError: ENOTCONN where there is nobody; what else getsockopt() says.
    """
    answer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
    pid, user, group = struct.unpack("iII", answer)
    if user == 0xFFFFFFFF:  # the kernel's word for nobody
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
    return pid, user, group


def may_enter(sock: socket.socket, allowed: list[int]) -> bool:
    """Whether the user at the other end is on the list."""
    try:
        _, user, _ = peer_of(sock)
    except OSError:
        return False  # nobody knows who it is
    return user in allowed


def listen_at(path: str) -> tuple[socket.socket, os.stat_result]:
    """Listen at path; the socket, and the file that it has made."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        try:
            os.chmod(path, 0o666)
            listener.listen(10)
            return listener, os.lstat(path)
        except OSError:
            os.unlink(path)
            raise
    except OSError:
        listener.close()
        raise


def serve_clients(listener: socket.socket, allowed: list[int]) -> None:
    """Answer clients, one after the other, as long as listener is good."""
    guests = []
    while True:
        try:
            connection, _ = listener.accept()
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            time.sleep(0.01)  # descriptors may lack for a while
            continue
        answer = b"welcome\n" if may_enter(connection, allowed) else b"denied\n"
        try:
            connection.sendall(answer)
        except OSError:
            pass  # this client is gone; the others are not
        if answer == b"denied\n":
            connection.close()
        else:
            guests.append(connection)


def remove(path: str, file: os.stat_result) -> None:
    """Remove path, if it still is that file."""
    try:
        if os.path.samestat(os.lstat(path), file):
            os.unlink(path)
    except FileNotFoundError:
        pass  # somebody else has removed it


def serve(path: str, allowed: list[int]) -> None:
    """Tell whoever connects to path whether its user may enter, until the process ends.

    Raises:
        ValueError: the path is empty, or has a zero byte.
        OSError: ENAMETOOLONG, EADDRINUSE; why else the socket cannot be had, or is lost.
    """
    if not path or "\0" in path:
        raise ValueError(f"not a path: {path!r}")
    if len(os.fsencode(path)) > LONGEST:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
    listener, file = listen_at(path)
    with listener:
        try:
            serve_clients(listener, allowed)
        finally:
            remove(path, file)
