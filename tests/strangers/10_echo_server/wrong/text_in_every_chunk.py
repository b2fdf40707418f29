# expect: fail
# gap: dies-of-client
# cause: Each chunk is decoded as UTF-8, as if bytes were text; bytes that are none, or a character cut by the edge of a chunk, raise UnicodeDecodeError, which nobody catches.
# shows: A client sends 0xff, or the first half of a two-byte character: serve() ends.
# says: was taken for text
import errno
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


def echo(connection):
    while True:
        text = connection.recv(1024).decode("utf-8")
        if not text:
            break
        connection.sendall(text.encode("utf-8"))


def serve(port: str) -> None:
    with open_listener(port) as listener:
        while True:
            try:
                connection, peer = listener.accept()
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.02)
                continue
            try:
                echo(connection)
            except OSError:
                pass
            finally:
                connection.close()
