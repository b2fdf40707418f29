# expect: fail
# gap: cut-client
# cause: The handler raises an exception, which leaves whatever runs just then: not only the accept() that waits, but also the echo of the current client, whose connection is closed under it.
# shows: SIGTERM while a client is connected: it sees end-of-file before it has finished.
# says: as an exception left recv()
import errno
import signal
import socket
import time


def open_listener(port):
    failure = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    ):
        try:
            listener = socket.socket(family, kind, protocol)
        except OSError as error:
            failure = error
            continue
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            failure = error
            listener.close()
            continue
        return listener
    raise failure


class Stop(Exception):
    pass


def raise_stop(signum, frame):
    signal.signal(signal.SIGTERM, lambda *_: None)  # once is enough
    raise Stop


def echo(client):
    try:
        while chunk := client.recv(4096):
            client.sendall(chunk)
    except OSError:
        pass


def accept_and_echo(listener):
    while True:
        try:
            client, _ = listener.accept()
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            time.sleep(0.02)
            continue
        with client:
            echo(client)


def serve(port: str) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, raise_stop)
        with open_listener(port) as listener:
            accept_and_echo(listener)
    except Stop:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
