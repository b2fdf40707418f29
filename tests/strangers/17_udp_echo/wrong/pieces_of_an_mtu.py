# expect: fail
# gap: other
# cause: The answer is cut into datagrams of 1,472 bytes: it was to be one.
# shows: A datagram of more than 1,472 bytes.
# says: sendto() sends 1472 of 65507 bytes, and the rest follows: each call sends a datagram of its own
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
            except OSError as error:
                if error.errno in LOST:
                    raise
                continue
            data = data.upper()
            pieces = [data[i : i + 1472] for i in range(0, len(data), 1472)] or [b""]
            for piece in pieces:
                try:
                    server.sendto(piece, client)
                except OSError:
                    pass
