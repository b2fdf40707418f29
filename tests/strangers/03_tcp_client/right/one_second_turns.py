# expect: pass
# gap: none
# cause: -
# shows: -
import contextlib
import socket


def candidates(host, port):
    yield from socket.getaddrinfo(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)


def pieces(connection):
    connection.settimeout(1.0)
    while True:
        with contextlib.suppress(TimeoutError):
            piece = connection.recv(65536)
            if not piece:
                return
            yield piece


def fetch(host, port):
    problem = OSError("there is no address")
    for family, kind, protocol, _, address in candidates(host, port):
        with contextlib.ExitStack() as stack:
            try:
                connection = stack.enter_context(socket.socket(family, kind, protocol))
                connection.connect(address)
            except OSError as error:
                problem = error
                continue
            return b"".join(pieces(connection))
    raise problem
