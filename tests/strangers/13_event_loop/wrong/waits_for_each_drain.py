# expect: fail
# gap: blocking-send
# cause: In the coroutine of the sender every other client is waited for with drain(): one that does not read halts the senders instead of being dropped.
# shows: One client reads nothing and another sends more than the buffers hold: nobody hears the sender any more, and the silent one is never dropped.
# says: drain() waits until slow, who does not read, has room
import asyncio
import errno
import socket

LIMIT = 4096
FATAL = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def open_listener(port):
    failure = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    ):
        try:
            listener = socket.socket(family, kind, protocol)
        except OSError as error:
            failure = error
            continue
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            failure = error
            listener.close()
            continue
        return listener
    raise failure


class Room:
    def __init__(self):
        self.writers = set()
        self.tasks = set()

    async def say(self, sender, line):
        for writer in list(self.writers):
            if writer is sender or writer.transport.is_closing():
                continue
            writer.write(line)
            try:
                await writer.drain()
            except OSError:
                pass  # its own coroutine will see

    async def attend(self, sock):
        try:
            reader, writer = await asyncio.open_connection(sock=sock, limit=LIMIT)
        except OSError:
            sock.close()
            return
        writer.transport.set_write_buffer_limits(high=32 * 1024)
        self.writers.add(writer)
        try:
            while True:
                line = await reader.readuntil(b"\n")
                await self.say(writer, line)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            self.writers.discard(writer)
            writer.transport.abort()

    def admit(self, sock):
        task = asyncio.ensure_future(self.attend(sock))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def main(listener):
    room = Room()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)
    listener.setblocking(False)
    while True:
        try:
            sock, _ = await loop.sock_accept(listener)
        except OSError as error:
            if error.errno in FATAL:
                raise
            await asyncio.sleep(0.02)
            continue
        sock.setblocking(False)
        room.admit(sock)


def serve(port: str) -> None:
    with open_listener(port) as listener:
        asyncio.run(main(listener))
