# expect: pass
# gap: none
# cause: -
# shows: -
import asyncio
import socket


async def _read(host, port):
    loop = asyncio.get_running_loop()
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    error = None
    for family, kind, proto, _, address in infos:
        try:
            sock = socket.socket(family, kind, proto)
        except OSError as e:
            error = e
            continue
        try:
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, address)
            except OSError as e:
                error = e
                continue
            parts = []
            while part := await loop.sock_recv(sock, 32768):
                parts.append(part)
            return b"".join(parts)
        finally:
            sock.close()
    raise error


def fetch(host: str, port: str) -> bytes:
    return asyncio.run(_read(host, port))
