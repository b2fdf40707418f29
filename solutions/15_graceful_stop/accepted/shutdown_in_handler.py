"""An echo server whose handler shuts the listening socket down."""

import errno
import signal
import socket
import time

_PASSES_NOT = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def open_listener(port: str) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


class Server:
    """Accepts until its listening socket is shut down."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._stopped = False

    def stop(self, *_: object) -> None:
        """accept() fails from now on, whenever it is called."""
        if not self._stopped:
            self._stopped = True
            self._listener.shutdown(socket.SHUT_RDWR)

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if self._stopped:
                    return
                if error.errno in _PASSES_NOT:
                    raise
                time.sleep(0.005)
                continue
            with connection:
                try:
                    while data := connection.recv(8192):
                        connection.sendall(data)
                except OSError:
                    pass


def serve(port: str) -> None:
    with open_listener(port) as listener:
        server = Server(listener)
        before = signal.signal(signal.SIGTERM, server.stop)
        try:
            server.run()
        finally:
            signal.signal(signal.SIGTERM, before)
