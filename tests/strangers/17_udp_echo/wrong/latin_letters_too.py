# expect: fail
# gap: other
# cause: The bytes are upper-cased as Latin-1 letters: bytes over 127 are changed, where only ASCII letters were to be.
# shows: A datagram with bytes over 127.
# says: sendto() sends 257 bytes in answer to 256
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
            answer = data.decode("latin-1").upper().encode("latin-1", "replace")
            try:
                server.sendto(answer, client)
            except OSError:
                pass
