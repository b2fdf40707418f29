# expect: fail
# gap: dies-of-error
# cause: EINVAL of sendto(), as for a sender at port 0, ends the server: only receiving may end it.
# shows: sendto() fails with EINVAL.
# says: sendto() raised OSError (EINVAL), which concerns its own answer alone; and serve() raised OSError
import errno
import socket

LOST = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def open_server(port):
    family, kind, protocol, _, address = socket.getaddrinfo(
        None, port, family=socket.AF_INET, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )[0]
    server = socket.socket(family, kind, protocol)
    try:
        server.bind(address)
    except OSError:
        server.close()
        raise
    return server


def serve(port):
    with open_server(port) as server:
        while True:
            try:
                data, client = server.recvfrom(65535)
                server.sendto(data.upper(), client)
            except OSError as error:
                if error.errno in LOST:
                    raise
