"""A line counter with itertools.count(), files, and threads by subclass."""

import errno
import itertools
import socket
import threading

FINAL = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


class Attendant(threading.Thread):
    """Serves one client."""

    def __init__(self, connection: socket.socket, numbers: "itertools.count[int]") -> None:
        super().__init__(daemon=True)
        self._connection, self._numbers = connection, numbers

    def run(self) -> None:
        try:
            with self._connection as connection, connection.makefile("rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):
                        connection.sendall(f"{next(self._numbers)}\n".encode())
        except OSError:
            pass


def bound_socket(port: str) -> socket.socket:
    addresses = socket.getaddrinfo(
        None, port, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return socket.create_server(addresses[0][4], backlog=64)


def serve(port: str) -> None:
    numbers, moment = itertools.count(1), threading.Event()
    with bound_socket(port) as listener:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if error.errno in FINAL:
                    raise
                moment.wait(0.01)
                continue
            try:
                Attendant(connection, numbers).start()
            except RuntimeError:
                connection.close()
