# expect: fail
# gap: other
# cause: A datagram equal to the one before is taken for a duplicate and not answered: each one is to be.
# shows: A client sends the same datagram twice.
# says: recvfrom() brought a datagram of 15 bytes, and nothing was sent in answer
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
    last = None
    with open_server(port) as server:
        while True:
            try:
                data, client = server.recvfrom(65535)
            except OSError as error:
                if error.errno in LOST:
                    raise
                continue
            if (data, client) == last:
                continue  # a duplicate
            last = data, client
            try:
                server.sendto(data.upper(), client)
            except OSError:
                pass
