# expect: pass
# gap: none
# cause: asyncio accepts and answers; the kernel is asked by way of the transport's socket
# shows: -
import asyncio
import errno
import logging
import os
import socket
import struct

FATAL = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def peer_of(sock):
    data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    (pid,), ids = struct.unpack("=i", data[:4]), struct.unpack("=2I", data[4:])
    if ids[0] == 0xFFFF_FFFF:
        raise OSError(errno.ENOTCONN, "no peer credentials")
    return (pid, *ids)


class Porter(asyncio.Protocol):
    def __init__(self, allowed):
        self.allowed = allowed

    def connection_made(self, transport):
        try:
            uid = peer_of(transport.get_extra_info("socket"))[1]
            ok = uid in self.allowed
        except OSError:
            ok = False
        transport.write(b"welcome\n" if ok else b"denied\n")
        transport.close()


async def run(listener, allowed):
    loop = asyncio.get_running_loop()
    over = loop.create_future()

    def on_error(_loop, context):
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in FATAL and not over.done():
            over.set_exception(error)

    loop.set_exception_handler(on_error)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    server = await loop.create_unix_server(lambda: Porter(allowed), sock=listener, start_serving=False)
    await server.start_serving()
    try:
        await over
    finally:
        server.close()


def serve(path, allowed):
    raw = os.fsencode(path)
    if not raw or 0 in raw:
        raise ValueError(path)
    if len(raw) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        mine = os.lstat(path)
        try:
            os.chmod(path, 0o666)
            asyncio.run(run(listener, frozenset(allowed)))
        finally:
            try:
                if os.path.samestat(mine, os.lstat(path)):
                    os.unlink(path)
            except OSError:
                pass
