"""An echo server with a thread for each client."""

import errno
import socket
import threading

FINAL = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def bound_socket(port: str) -> socket.socket:
    addresses = socket.getaddrinfo(
        None, port, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(addresses[0][4])
    except OSError:
        listener.close()
        raise
    return listener


def attend(connection: socket.socket) -> None:
    with connection:
        try:
            for data in iter(lambda: connection.recv(1024), b""):
                connection.sendall(data)
        except OSError:
            pass


def serve(port: str) -> None:
    moment = threading.Event()
    with bound_socket(port) as listener:
        listener.listen()
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if error.errno in FINAL:
                    raise
                moment.wait(0.01)
            else:
                threading.Thread(target=attend, args=(connection,), daemon=True).start()
