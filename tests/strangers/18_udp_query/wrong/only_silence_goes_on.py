# expect: fail
# gap: other
# cause: Only silence leads to the next address, not a refusal.
# shows: The first address refuses, the second would answer.
# says: raised ConnectionRefusedError before a datagram of 5 bytes arrives
import asyncio
import os
import socket


async def _one(info, packet, attempts, seconds):
    loop = asyncio.get_running_loop()
    with socket.socket(*info[:3]) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, info[4])
        for _ in range(attempts):
            sock.send(packet)
            try:
                async with asyncio.timeout(seconds):
                    while True:
                        got = await loop.sock_recv(sock, 65536)
                        if len(got) >= 2 and got[:2] == packet[:2]:
                            return got[2:]
            except TimeoutError:
                continue
    raise TimeoutError


async def _all(infos, packet, attempts, seconds):
    last = None
    for info in infos:
        try:
            return await _one(info, packet, attempts, seconds)
        except TimeoutError as error:
            last = error
    raise last


def query(host, port, question, attempts, seconds):
    if attempts < 1 or seconds < 0:
        raise ValueError(f"{attempts=} {seconds=}")
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    return asyncio.run(_all(infos, os.urandom(2) + question, attempts, seconds))
