# expect: fail
# gap: empty-is-eof
# cause: A datagram of 0 bytes is dropped without an answer.
# shows: An empty datagram.
# says: recvfrom() returned b"", a datagram of 0 bytes, and is not answered: UDP has no end-of-file
import asyncio
import errno
import socket


class Capitals(asyncio.DatagramProtocol):
    def __init__(self, over):
        self.over = over

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if data:
            self.transport.sendto(data.upper(), addr)

    def error_received(self, error):
        if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT) and not self.over.done():
            self.over.set_exception(error)


async def run(address):
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(lambda: Capitals(over), local_addr=address)
    try:
        await over
    finally:
        transport.close()
        await asyncio.sleep(0)


def serve(port):
    infos = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_DGRAM, 0, socket.AI_PASSIVE)
    asyncio.run(run(infos[0][4]))
