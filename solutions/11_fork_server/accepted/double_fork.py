"""An echo server whose clients' processes are nobody's children: forked twice."""

import errno
import os
import socket
import time

FINAL = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def bound_socket(port: str) -> socket.socket:
    addresses = socket.getaddrinfo(
        None, port, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(addresses[0][4])
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def attend(connection: socket.socket) -> None:
    for data in iter(lambda: connection.recv(1024), b""):
        connection.sendall(data)


def hand_over(connection: socket.socket, listener: socket.socket) -> None:
    """Leave a client to a grandchild, which is init's when its parent has ended."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        listener.close()
        if os.fork() == 0:
            attend(connection)
    finally:
        os._exit(0)


def serve(port: str) -> None:
    with bound_socket(port) as listener:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if error.errno in FINAL:
                    raise
                time.sleep(0.01)
                continue
            with connection:
                try:
                    hand_over(connection, listener)
                except OSError:
                    pass
