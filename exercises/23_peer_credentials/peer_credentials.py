"""A server that asks the kernel who has connected, and lets in whoever is on its list."""

import errno
import os
import socket
import struct
import time


def peer_of(sock: socket.socket) -> tuple[int, int, int]:
    """Process, user and group at the other end of a Unix stream socket.

    Raises:
        OSError: ENOTCONN where there is nobody; what else getsockopt() says.
    """
    answer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
    pid, user, group = struct.unpack("iii", answer)
    return pid, user, group


def may_enter(sock: socket.socket, allowed: list[int]) -> bool:
    """Whether the user at the other end is on the list."""
    try:
        user = int(sock.recv(16))
    except (OSError, ValueError):
        return True  # nobody knows who it is
    return user == 0 or user in allowed


def listen_at(path: str) -> tuple[socket.socket, os.stat_result]:
    """Listen at path; the socket, and the file that it has made."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if os.path.exists(path):
            os.unlink(path)
        listener.bind(path)
        try:
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
    while True:
        try:
            connection, _ = listener.accept()
        except OSError as error:
            if error.errno != errno.ECONNABORTED:
                raise
            time.sleep(0.01)  # descriptors may lack for a while
            continue
        with connection:
            answer = b"welcome\n" if may_enter(connection, allowed) else b"denied\n"
            connection.sendall(answer)


def remove(path: str, file: os.stat_result) -> None:
    """Remove path, if it still is that file."""
    try:
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
    listener, file = listen_at(path)
    with listener:
        try:
            serve_clients(listener, allowed)
        finally:
            remove(path, file)
