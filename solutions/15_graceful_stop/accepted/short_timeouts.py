"""An echo server that looks around every now and then."""

import errno
import signal
import socket
import time


def bound(port: str) -> socket.socket:
    info = socket.getaddrinfo(None, port, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sock = socket.socket(*info[0][:3])
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(info[0][4])
        sock.listen(5)
        sock.settimeout(0.05)
    except OSError:
        sock.close()
        raise
    return sock


def attend(connection: socket.socket) -> None:
    connection.settimeout(None)
    buffer = bytearray(4096)
    try:
        while count := connection.recv_into(buffer):
            connection.sendall(memoryview(buffer)[:count])
    except OSError:
        pass


def serve(port: str) -> None:
    asked = []
    with bound(port) as listener:
        old = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
        try:
            while not asked:
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                except OSError as error:
                    if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                    time.sleep(0.01)
                    continue
                with connection:
                    attend(connection)
        finally:
            signal.signal(signal.SIGTERM, old)
