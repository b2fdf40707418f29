# expect: pass
# gap: none
# cause: an event loop, whose coroutines send and receive
# shows: -
import asyncio
import socket
import subprocess


async def send(loop, sock, data):
    try:
        await loop.sock_sendall(sock, data)
        sock.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        pass


async def receive(loop, sock):
    reply = b""
    while True:
        try:
            piece = await loop.sock_recv(sock, 1 << 16)
        except ConnectionResetError:
            return reply
        if not piece:
            return reply
        reply += piece


async def talk(sock, data):
    loop = asyncio.get_running_loop()
    _, reply = await asyncio.gather(send(loop, sock, data), receive(loop, sock))
    return reply


def run_filter(argv, data):
    near, far = socket.socketpair()
    with near:
        with far:
            popen = subprocess.Popen(argv, stdin=far, stdout=far)
        try:
            near.setblocking(False)
            reply = asyncio.run(talk(near, data))
            status = popen.wait()
        finally:
            if popen.returncode is None:
                popen.kill()
                popen.wait()
    if status:
        raise subprocess.CalledProcessError(status, argv, reply)
    return reply
