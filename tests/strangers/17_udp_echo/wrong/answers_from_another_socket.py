# expect: fail
# gap: other
# cause: The answer is sent by a second socket: it comes from another port than the server's.
# shows: Every answer.
# says: sendto() on `speaker`, which is not bound to the server's port: the answer comes from another one
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
    speaker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with speaker, open_server(port) as server:
        while True:
            try:
                data, client = server.recvfrom(65535)
            except OSError as error:
                if error.errno in LOST:
                    raise
                continue
            try:
                speaker.sendto(data.upper(), client)
            except OSError:
                pass
