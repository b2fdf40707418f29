"""A UDP server with recvmsg() and sendmsg(), and a table of capitals."""

import errno
import select
import socket
from contextlib import closing, suppress

CAPITALS = bytes(byte - 32 if 97 <= byte <= 122 else byte for byte in range(256))
FATAL = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def serve(port: str) -> None:
    hints = {"family": socket.AF_INET, "type": socket.SOCK_DGRAM, "flags": socket.AI_PASSIVE}
    address = socket.getaddrinfo(None, port, **hints)[0][-1]
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(address)
        while True:
            select.select([server], [], [])
            try:
                report, _, _, sender = server.recvmsg(1 << 16)
            except OSError as error:
                if error.errno in FATAL:
                    raise
            else:
                with suppress(OSError):
                    server.sendmsg([report.translate(CAPITALS)], [], 0, sender)
