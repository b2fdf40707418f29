# expect: pass
# gap: none
# cause: -
# shows: -
import asyncio
import socket


async def _greet(listener, greeting):
    loop = asyncio.get_running_loop()
    with listener:
        connection, _ = await loop.sock_accept(listener)
    with connection:
        await loop.sock_sendall(connection, greeting)


def _bound(port):
    last = None
    for info in socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
        sock = None
        try:
            sock = socket.socket(*info[:3])
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
            sock.bind(info[4])
            sock.listen()
            return sock
        except OSError as error:
            last = error
            if sock is not None:
                sock.close()
    raise last


def greet_one(port: str) -> None:
    with _bound(port) as listener:
        asyncio.run(_greet(listener, b"Hi client - you have successfully connected!"))
