"""Ask a server: send the whole request, say so, read the whole reply."""

import select
import socket


def ask(host: str, port: str, request: bytes) -> bytes:
    """Return what a server answers to request.

    The first address of host that accepts is asked.

    Raises:
        socket.gaierror: the name or the service is unknown.
        OSError: no address accepts (the error of the last one), the request
            cannot be sent to its end, or the connection breaks before the
            reply has come to its own.
    """
    sock = connect_any(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    reply = exchange(sock, request)
    sock.close()
    return reply


def connect_any(candidates: list) -> socket.socket:
    """Connect to the first address that accepts."""
    for family, kind, protocol, _, address in candidates:
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as refusal:
            error = refusal
            continue
        try:
            sock.connect(address)
            return sock
        except OSError as refusal:
            error = refusal
    raise error


def exchange(sock: socket.socket, request: bytes) -> bytes:
    """Send the request and receive the reply."""
    unsent, reply = memoryview(request), bytearray()
    sending = receiving = True
    poller = select.poll()
    while receiving:
        if sending and not unsent:
            sending = False
            continue
        wanted = select.POLLOUT if sending else select.POLLIN
        poller.register(sock, wanted)
        [(_, ready)] = poller.poll()
        if sending and ready & ~select.POLLIN:
            try:
                unsent = unsent[sock.send(unsent, socket.MSG_DONTWAIT) :]
            except ConnectionError:
                sending = False  # the server has heard enough
        if receiving and ready & ~select.POLLOUT:
            try:
                chunk = sock.recv(65536)
            except ConnectionError:
                chunk = b""  # the server is gone: this is all it had to say
            reply += chunk
            receiving = False
    return bytes(reply)
