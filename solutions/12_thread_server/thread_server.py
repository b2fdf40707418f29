"""A counter of lines: a thread for each client."""

import errno
import socket
import threading
import time

lock = threading.Lock()
lines = 0  # served so far, to everyone


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


def answer_line(connection: socket.socket) -> None:
    """Number one more line, and tell the client."""
    global lines
    with lock:
        lines += 1
        number = lines
    connection.sendall(b"%d\n" % number)


def attend(connection: socket.socket) -> None:
    """Be a client's thread: answer its lines, until end-of-file."""
    try:
        while data := connection.recv(4096):
            for _ in range(data.count(b"\n")):
                answer_line(connection)
    except OSError:
        pass  # this client is gone; the others are not
    finally:
        connection.close()


def serve(port: str) -> None:
    """Number the lines of all clients, each in a thread of its own, until the
    process ends.

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
                threading.Thread(target=attend, args=(connection,), daemon=True).start()
            except RuntimeError:
                connection.close()  # no thread for this client: it is lost
