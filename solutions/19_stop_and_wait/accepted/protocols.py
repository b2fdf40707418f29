"""Event loops: one protocol sends, another one receives; each fills futures."""

import asyncio
import socket


class Sending(asyncio.DatagramProtocol):
    def __init__(self):
        self.awaited, self.heard = b"", None

    def datagram_received(self, data, addr):
        if self.heard is not None and data == self.awaited and not self.heard.done():
            self.heard.set_result(True)

    def error_received(self, exc):
        if self.heard is not None and not isinstance(exc, ConnectionRefusedError) and not self.heard.done():
            self.heard.set_exception(exc)


async def deliver(transport, protocol, datagram, seconds):
    protocol.awaited = b"\1" + datagram[1:2]
    protocol.heard = asyncio.get_running_loop().create_future()
    for _ in range(40):
        transport.sendto(datagram)
        await asyncio.wait([protocol.heard], timeout=seconds)
        if protocol.heard.done():
            return protocol.heard.result()
    raise TimeoutError("no acknowledgement")


async def transfer(info, data, seconds, progress):
    loop = asyncio.get_running_loop()
    sock = socket.socket(info[0], info[1], info[2])
    try:
        sock.setblocking(False)
        sock.connect(info[4])
        transport, protocol = await loop.create_datagram_endpoint(Sending, sock=sock)
    except OSError:
        sock.close()
        raise
    try:
        for number, start in enumerate(range(0, len(data), 512)):
            await deliver(transport, protocol, bytes([0, number & 1]) + data[start : start + 512], seconds)
            progress.append(start)
        await deliver(transport, protocol, bytes([0, len(progress) & 1]), seconds)
    finally:
        transport.abort()
        await asyncio.sleep(0)


def send_reliably(host, port, data, seconds):
    if seconds < 0:
        raise ValueError("the limit must not be negative")
    progress, failure = [], None
    for info in socket.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_DGRAM):
        try:
            return asyncio.run(transfer(info, data, seconds, progress))
        except OSError as error:
            failure = error
            if progress:
                break
    raise failure


class Receiving(asyncio.DatagramProtocol):
    def __init__(self, seconds, over):
        self.seconds, self.over = seconds, over
        self.sender = self.timer = None
        self.expected, self.data = 0, bytearray()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        valid = 2 <= len(data) <= 514 and data[0] == 0 and data[1] in (0, 1)
        if not valid or (self.sender or addr) != addr or (self.sender is None and data[1] == 1):
            return
        self.sender = addr
        is_new = data[1] == self.expected
        if self.timer is not None and (is_new or len(data) > 2):
            return
        self.transport.sendto(bytes([1, data[1]]), addr)
        if is_new:
            self.data += data[2:]
            self.expected ^= 1
        if self.timer is not None or (is_new and len(data) == 2):
            self.stay()

    def stay(self):
        if self.timer is not None:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(self.seconds, self.over.set_result, None)


async def receive(sock, seconds):
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    transport, protocol = await loop.create_datagram_endpoint(lambda: Receiving(seconds, over), sock=sock)
    try:
        await over
    finally:
        transport.abort()
        await asyncio.sleep(0)
    return bytes(protocol.data)


def recv_reliably(port, seconds):
    if seconds < 0:
        raise ValueError("the limit must not be negative")
    info = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)[0]
    sock = socket.socket(*info[:3])
    try:
        sock.setblocking(False)
        sock.bind(info[4])
        return asyncio.run(receive(sock, seconds))
    finally:
        sock.close()
