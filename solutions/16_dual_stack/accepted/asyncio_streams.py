"""A server of two coroutines, one for each family."""

import asyncio
import errno
import socket

LOST = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def sockets(port):
    """Listening sockets: IPv4, and IPv6 where there is such a thing."""
    made = []
    try:
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                listener = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:
                if family == socket.AF_INET6 and error.errno == errno.EAFNOSUPPORT:
                    continue
                raise
            made.append(listener)
            listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True)
            listener.bind(socket.getaddrinfo(None, port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][4])
            listener.listen(8)
    except OSError:
        for listener in made:
            listener.close()
        raise
    return made


async def tell(connection, host):
    with connection:
        try:
            await asyncio.get_running_loop().sock_sendall(connection, host.encode())
        except OSError:
            pass


async def attend(listener):
    while True:
        try:
            connection, address = await asyncio.get_running_loop().sock_accept(listener)
        except OSError as error:
            if error.errno in LOST:
                raise
            await asyncio.sleep(0.01)
        else:
            await tell(connection, address[0])


async def run(made):
    await asyncio.gather(*map(attend, made))


def serve(port):
    made = sockets(port)
    try:
        asyncio.run(run(made))
    finally:
        for listener in made:
            listener.close()
