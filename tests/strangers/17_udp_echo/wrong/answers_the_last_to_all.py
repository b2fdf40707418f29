# expect: fail
# gap: fixed-peer
# cause: All datagrams that wait are received before any is answered, and only the last sender is kept: it gets every answer.
# shows: Two clients have sent before the server looks.
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
    with open_server(port) as server:
        while True:
            reports = []
            flags = 0
            while True:
                try:
                    data, client = server.recvfrom(65535, flags)
                except BlockingIOError:
                    break
                except OSError as error:
                    if error.errno in LOST:
                        raise
                    break
                reports.append(data)
                flags = socket.MSG_DONTWAIT
            for data in reports:
                try:
                    server.sendto(data.upper(), client)
                except OSError:
                    pass
