# expect: fail
# gap: fixed-peer
# cause: Clients are told apart by their address alone: a second one on the same machine has its answers sent to the port of the first.
# shows: Two clients at one address.
# says: sendto() answers the datagram that recvfrom() brought
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
    ports = {}
    with open_server(port) as server:
        while True:
            try:
                data, client = server.recvfrom(65535)
            except OSError as error:
                if error.errno in LOST:
                    raise
                continue
            host, number = client
            number = ports.setdefault(host, number)
            try:
                server.sendto(data.upper(), (host, number))
            except OSError:
                pass
