# specimen: 04_send_all python right
# expect: pass
# gap: none
# cause: -
# shows: -
import asyncio
import socket
from collections.abc import AsyncIterator


async def _sent(sock: socket.socket, data: bytes) -> AsyncIterator[int]:
    """How much each send() takes, until nothing is left."""
    while True:
        if not data:
            return
        count = sock.send(data)
        yield count
        data = data[count:]


async def _all(sock: socket.socket, data: bytes) -> None:
    async for _ in _sent(sock, data):
        pass


def send_all(sock: socket.socket, data: bytes) -> None:
    asyncio.run(_all(sock, data))
