# expect: fail
# gap: other
# cause: The server sets a time limit of its own and ends when nobody has sent for 30 s.
# shows: Half a minute of silence.
# says: raised TimeoutError when the time limit of settimeout()
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
        server.settimeout(30)
        while True:
            try:
                data, client = server.recvfrom(65535)
            except OSError as error:
                if error.errno in LOST or isinstance(error, TimeoutError):
                    raise
                continue
            try:
                server.sendto(data.upper(), client)
            except OSError:
                pass
