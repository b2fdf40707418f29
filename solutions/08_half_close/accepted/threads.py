import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor


def ask(host: str, port: str, request: bytes) -> bytes:
    with connected(host, port) as sock, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send, sock, request)
        try:
            reply = b"".join(iter(lambda: sock.recv(65536), b""))
        except OSError:
            give_up(sock)
            raise
        sending.result()
    return reply


def send(sock: socket.socket, request: bytes) -> None:
    try:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        give_up(sock)
        raise


def give_up(sock: socket.socket) -> None:
    """Let the other thread wait for nothing any more."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def connected(host: str, port: str) -> socket.socket:
    error = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as refusal:
            error = refusal
            continue
        try:
            sock.connect(address)
        except OSError as refusal:
            sock.close()
            error = refusal
        else:
            return sock
    raise error
