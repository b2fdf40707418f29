# expect: fail
# gap: other
# cause: A datagram with bit 1 is taken for a repeat and acknowledged even while nothing at all has been received and nobody is the sender yet.
# shows: when data with bit 1 arrives before the first data with bit 0: it is acknowledged, a sender of it would believe it delivered
# says: before a first datagram with the bit 0 has come
import asyncio
import errno
import socket
from collections import deque


class Inbound(asyncio.DatagramProtocol):
    def __init__(self, loop, seconds):
        self.loop, self.seconds = loop, seconds
        self.done = loop.create_future()
        self.parts, self.peer, self.expected = [], None, 0
        self.end = self.timer = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, packet, peer):
        if not 2 <= len(packet) <= 514 or packet[0] != 0 or packet[1] not in (0, 1):
            return
        if self.peer not in (None, peer):
            return
        if self.end is not None:
            if packet == self.end:
                self.acknowledge(packet, peer)
                self.wait()
            return
        if packet[1] == self.expected:
            self.peer = peer
            self.expected ^= 1
            if len(packet) > 2:
                self.parts.append(packet[2:])
            else:
                self.end = packet
                self.wait()
        self.acknowledge(packet, peer)

    def acknowledge(self, packet, peer):
        self.transport.sendto(bytes([1, packet[1]]), peer)

    def wait(self):
        if self.timer is not None:
            self.timer.cancel()
        self.timer = self.loop.call_later(self.seconds, self.finish)

    def finish(self):
        if not self.done.done():
            self.done.set_result(b"".join(self.parts))

    def error_received(self, error):
        if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT) and not self.done.done():
            self.done.set_exception(error)


class Outbound(asyncio.DatagramProtocol):
    def __init__(self, loop, data, seconds):
        self.loop, self.seconds = loop, seconds
        self.packets = deque(bytes([0, i // 512 & 1]) + data[i:i + 512] for i in range(0, len(data), 512))
        self.packets.append(bytes([0, len(self.packets) & 1]))
        self.done = loop.create_future()
        self.acknowledged = 0
        self.timer = None

    def connection_made(self, transport):
        self.transport = transport
        self.tries = 0
        self.send()

    def send(self):
        if self.done.done():
            return
        if self.tries == 40:
            self.done.set_exception(TimeoutError("no acknowledgement"))
            return
        self.tries += 1
        self.timer = self.loop.call_later(self.seconds, self.send)
        self.transport.sendto(self.packets[0])

    def datagram_received(self, packet, peer):
        if self.done.done() or packet != bytes([1, self.packets[0][1]]):
            return
        self.timer.cancel()
        self.packets.popleft()
        self.acknowledged += 1
        self.tries = 0
        if self.packets:
            self.send()
        else:
            self.done.set_result(None)

    def error_received(self, error):
        if not isinstance(error, ConnectionRefusedError) and not self.done.done():
            self.done.set_exception(error)


def run(sock, make):
    async def main():
        transport, protocol = await loop.create_datagram_endpoint(lambda: protocols[0], sock=sock)
        try:
            return await protocol.done
        finally:
            if protocol.timer is not None:
                protocol.timer.cancel()
            transport.close()
            await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    try:
        sock.setblocking(False)
        protocols = [make(loop)]
        task = loop.create_task(main())
        try:
            return loop.run_until_complete(task)
        except BaseException:
            task.cancel()
            loop.run_until_complete(asyncio.wait([task]))
            raise
    finally:
        loop.close()


def resolve(host, port, flags=0):
    try:
        return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM, 0, flags)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "host") from None


def send_reliably(host, port, data, seconds):
    if not seconds >= 0:
        raise ValueError("seconds")
    problem = None
    for family, kind, proto, _, address in resolve(host, port):
        made = []

        def make(loop):
            made.append(Outbound(loop, bytes(data), seconds))
            return made[0]

        try:
            with socket.socket(family, kind, proto) as sock:
                sock.connect(address)
                return run(sock, make)
        except OSError as error:
            problem = error
            if made and made[0].acknowledged:
                break
    raise problem


def recv_reliably(port, seconds):
    if not seconds >= 0:
        raise ValueError("seconds")
    problem = None
    for family, kind, proto, _, address in resolve(None, port, socket.AI_PASSIVE):
        with socket.socket(family, kind, proto) as sock:
            try:
                sock.bind(address)
            except OSError as error:
                problem = error
                continue
            return run(sock, lambda loop: Inbound(loop, seconds))
    raise problem
