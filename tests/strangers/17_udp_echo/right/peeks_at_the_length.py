# expect: pass
# gap: none
# cause: -
# shows: -
import errno
import socket


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


def next_datagram(server):
    """The datagram at the head of the queue, in a buffer of its own size."""
    size = server.recv_into(bytearray(1), 1, socket.MSG_PEEK | socket.MSG_TRUNC)
    room = bytearray(size)
    _, client = server.recvfrom_into(room, size)
    return room, client


def serve(port):
    with open_server(port) as server:
        while True:
            try:
                room, client = next_datagram(server)
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                continue
            try:
                server.sendto(room.upper(), client)
            except OSError:
                pass
