# expect: pass
# gap: none
# cause: -
# shows: -
import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor


def dial(host, port):
    error = OSError("no address")
    for *how, _, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with contextlib.ExitStack() as on_failure:
            try:
                sock = on_failure.enter_context(socket.socket(*how))
                sock.connect(where)
            except OSError as e:
                error = e
                continue
            on_failure.pop_all()
            return sock
    raise error


def speak(sock, request):
    sock.sendall(request)
    sock.shutdown(socket.SHUT_WR)


def hear(sock):
    reply = bytearray()
    while chunk := sock.recv(1 << 16):
        reply.extend(chunk)
    return bytes(reply)


def ask(host: str, port: str, request: bytes) -> bytes:
    with dial(host, port) as sock, ThreadPoolExecutor(max_workers=1) as mouth:
        speaking = mouth.submit(speak, sock, request)
        try:
            reply = hear(sock)
        except BaseException:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # so that the other thread wakes up
            raise
        speaking.result()  # raises what the sending has raised
        return reply
