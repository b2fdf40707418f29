# expect: fail
# gap: unreachable-ignored
# cause: Only network and host unreachable count.
# shows: A firewall says that it forbids the way (code 13).
"""An event loop that is told of each packet, and a future for the answer."""

import asyncio
import random
import socket
import struct


class Route:
    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, target: str) -> None:
        self.sock, self.target, self.loop = sock, target, loop
        self.id = random.randrange(1 << 16)
        self.hop = 0
        self.answer: asyncio.Future[tuple[str, int]] | None = None
        loop.add_reader(sock, self.on_packet)

    def close(self) -> None:
        self.loop.remove_reader(self.sock)

    def on_packet(self) -> None:
        try:
            packet, (source, _) = self.sock.recvfrom(65535)
        except BlockingIOError:
            return
        except OSError as error:
            self.fails(error)
            return
        kind = self.kind_of(packet, source)
        if kind >= 0 and self.answer is not None and not self.answer.done():
            self.answer.set_result((source, kind))

    def fails(self, error: OSError) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error)

    def kind_of(self, packet: bytes, source: str) -> int:
        try:
            message = packet[4 * (packet[0] & 15) :]
            kind, code = message[0], message[1]
            if kind == 0 and source == self.target:
                echo = message
            elif (kind == 3 and code in (0, 1)) or (kind == 11 and code == 0):
                quote = message[8:]
                if quote[16:20] != socket.inet_aton(self.target):
                    return -1
                echo = quote[4 * (quote[0] & 15) :]
            else:
                return -1
            return kind if struct.unpack_from("!HH", echo, 4) == (self.id, self.hop) else -1
        except (IndexError, struct.error):
            return -1

    async def ask(self, hop: int, seconds: float) -> tuple[str, int]:
        self.hop = hop
        self.answer = self.loop.create_future()
        self.sock.setsockopt(socket.SOL_IP, socket.IP_TTL, hop)
        for _ in range(3):
            self.sock.sendto(self.echo(), (self.target, 1))
            done, _pending = await asyncio.wait([self.answer], timeout=seconds)
            if done:
                return self.answer.result()
        return "*", -1

    def echo(self) -> bytes:
        payload = bytes(range(40))
        words = struct.unpack("!20H", payload)
        total = 0x0800 + self.id + self.hop + sum(words)
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        return struct.pack("!BBHHH", 8, 0, 0xFFFF ^ total, self.id, self.hop) + payload


async def follow(sock: socket.socket, target: str, max_hops: int, seconds: float) -> list[str]:
    route, lines = Route(asyncio.get_running_loop(), sock, target), []
    try:
        for hop in range(1, max_hops + 1):
            who, kind = await route.ask(hop, seconds)
            lines.append(f"{hop} {who}" + "!" * (kind == 3))
            if kind in (0, 3):
                break
    finally:
        route.close()
    return lines


def traceroute(host: str, max_hops: int, seconds: float) -> list[str]:
    if max_hops < 1 or max_hops > 255 or seconds < 0:
        raise ValueError(f"max_hops {max_hops}, seconds {seconds}")
    problem = None
    targets = dict.fromkeys(entry[4][0] for entry in socket.getaddrinfo(host, None, socket.AF_INET))
    for target in targets:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.getprotobyname("icmp"))
        sock.setblocking(False)
        with sock:
            try:
                return asyncio.run(follow(sock, target, max_hops, seconds))
            except OSError as error:
                problem = error
    raise problem
