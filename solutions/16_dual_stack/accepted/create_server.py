"""One socket for both families, made by the standard library."""

import errno
import socket
import time


def listen(port):
    number = socket.getaddrinfo(None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][4][1]
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", number), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", number))


def plain(host):
    """The dotted end of a mapped address; anything else as it is."""
    *front, last = host.split(":")
    return last if front == ["", "", "ffff"] and "." in last else host


def serve(port):
    with listen(port) as listener:
        while True:
            try:
                connection, (host, *_) = listener.accept()
            except OSError as error:
                if error.errno in {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}:
                    raise
                time.sleep(0.05)
                continue
            with connection:
                try:
                    connection.sendall(plain(host).encode())
                except OSError:
                    pass
