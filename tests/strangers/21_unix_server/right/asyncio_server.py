# expect: pass
# gap: none
# cause: asyncio listens on a socket that was bound and given its mode before; the lock ends after that
# shows: -
import asyncio
import errno
import fcntl
import os
import socket
import stat

LOST = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


class Echo(asyncio.Protocol):
    def __init__(self, room):
        self.room = room

    def connection_made(self, transport):
        self.transport = transport
        self.room.add(transport)

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_lost(self, _exc):
        self.room.discard(self.transport)


def find_out(path):
    """Raise unless the path is free, or was left behind."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISSOCK(mode):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as s:
            try:
                s.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)
                return
            except BlockingIOError:
                pass
            except OSError as e:
                if e.errno != errno.EPROTOTYPE:
                    raise
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), path)


async def run(listener):
    loop = asyncio.get_running_loop()
    lost = loop.create_future()

    def quietly(_loop, context):
        e = context.get("exception")
        if isinstance(e, OSError) and e.errno in LOST and not lost.done():
            lost.set_exception(e)

    loop.set_exception_handler(quietly)
    room = set()
    options = {"cleanup_socket": False} if hasattr(asyncio.Server, "close_clients") else {}
    server = await loop.create_unix_server(lambda: Echo(room), sock=listener, **options)
    try:
        await lost
    finally:
        server.close()
        for transport in list(room):
            transport.abort()
        await asyncio.sleep(0)


def serve(path):
    if not path or "\0" in path:
        raise ValueError("not a path")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
    d = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    mine = None
    try:
        fcntl.flock(d, fcntl.LOCK_EX)
        find_out(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(path)
            mine = os.lstat(path)
            os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)
            listener.listen(100)
        except OSError:
            listener.close()
            if mine:
                os.unlink(path)
            raise
    finally:
        os.close(d)
    try:
        with listener:
            asyncio.run(run(listener))
    finally:
        try:
            now = os.lstat(path)
        except FileNotFoundError:
            now = None
        if now and (now.st_dev, now.st_ino) == (mine.st_dev, mine.st_ino):
            os.unlink(path)
