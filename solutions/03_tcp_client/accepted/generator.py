"""Fetch a reply: chunks come from a generator, addresses from a recursion."""

import socket


def chunks(sock):
    while True:
        chunk = sock.recv(65536)
        if chunk == b"":
            return
        yield chunk


def try_addresses(addresses):
    first, rest = addresses[0], addresses[1:]
    try:
        sock = socket.socket(first[0], first[1], first[2])
        with sock:
            sock.connect(first[4])
            return sock.detach()
    except OSError:
        if not rest:
            raise
        return try_addresses(rest)


def fetch(host, port):
    fd = try_addresses(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
    with socket.socket(fileno=fd) as sock:
        return b"".join(chunks(sock))
