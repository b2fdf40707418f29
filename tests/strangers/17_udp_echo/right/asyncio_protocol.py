# expect: pass
# gap: none
# cause: -
# shows: -
import asyncio
import errno
import socket


class Capitals(asyncio.DatagramProtocol):
    def __init__(self, sock, over):
        self.sock, self.over = sock, over

    def datagram_received(self, data, addr):
        try:
            self.sock.sendto(data.upper(), addr)
        except OSError:
            pass

    def error_received(self, error):
        if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT) and not self.over.done():
            self.over.set_exception(error)

    def connection_lost(self, error):
        if error is not None and not self.over.done():
            self.over.set_exception(error)


async def run(server):
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(lambda: Capitals(server, over), sock=server)
    try:
        await over
    finally:
        transport.close()
        await asyncio.sleep(0)


def serve(port):
    infos = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_DGRAM, 0, socket.AI_PASSIVE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setblocking(False)
        server.bind(infos[0][4])
        asyncio.run(run(server))
