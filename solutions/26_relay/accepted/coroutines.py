"""A tapping relay with asyncio: a task for each client, and one for each direction."""

import asyncio
import errno
import socket

FINAL = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


class Lost(Exception):
    """The connection of a side is broken."""


async def reach(loop, addresses):
    for family, kind, protocol, _, address in addresses:
        try:
            target = socket.socket(family, kind, protocol)
        except OSError:
            continue
        target.setblocking(False)
        try:
            await loop.sock_connect(target, address)
            return target
        except OSError:
            target.close()
    return None


class Relay:
    def __init__(self, number, path):
        self.number = number
        self.path = path
        self.ended = set()

    def note(self, side, what):
        with open(self.path, "a") as log:  # opened anew for every line
            log.write(f"{self.number} {side} {what}\n")

    async def pass_on(self, loop, side, source, other, sink):
        while True:
            try:
                data = await loop.sock_recv(source, 65536)
            except OSError:
                raise Lost(side) from None
            if not data:
                break
            self.note(side, f"{len(data)} {data.hex()}")
            try:
                await loop.sock_sendall(sink, data)
            except OSError:
                raise Lost(other) from None
        self.ended.add(side)
        self.note(side, "eof")
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            raise Lost(other) from None

    async def run(self, loop, client, addresses):
        with client:
            target = await reach(loop, addresses)
            if target is None:
                return
            with target:
                ways = {
                    asyncio.ensure_future(self.pass_on(loop, ">", client, "<", target)),
                    asyncio.ensure_future(self.pass_on(loop, "<", target, ">", client)),
                }
                _, rest = await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
                for way in rest:
                    way.cancel()
                if rest:
                    await asyncio.wait(rest)
                for way in ways:
                    error = None if way.cancelled() else way.exception()
                    if isinstance(error, Lost) and error.args[0] not in self.ended:
                        self.ended.add(error.args[0])
                        try:
                            self.note(error.args[0], "reset")
                        except OSError:
                            pass


async def relay(port, host, service, log):
    loop = asyncio.get_running_loop()
    addresses = socket.getaddrinfo(host, service, 0, socket.SOCK_STREAM)
    own = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    tasks = set()
    number = 0
    with socket.socket(*own[0][:3]) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(own[0][4])
        listener.listen(128)
        listener.setblocking(False)
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
            except OSError as error:
                if error.errno in FINAL:
                    raise
                await asyncio.sleep(0.02)
                continue
            number += 1
            task = loop.create_task(Relay(number, log).run(loop, client, addresses))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


def serve(port: str, host: str, service: str, log: str) -> None:
    asyncio.run(relay(port, host, service, log))
