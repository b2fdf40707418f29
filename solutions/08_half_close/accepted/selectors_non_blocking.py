import contextlib
import selectors
import socket
from selectors import EVENT_READ, EVENT_WRITE


def ask(host: str, port: str, request: bytes) -> bytes:
    with contextlib.ExitStack() as stack:
        error: OSError = ConnectionError("no address")
        for *how, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
            try:
                attempt = stack.enter_context(socket.socket(*how))
                attempt.connect(address)
            except OSError as e:
                error = e
                stack.close()
            else:
                break
        else:
            raise error
        return converse(attempt, request)


def converse(sock: socket.socket, request: bytes) -> bytes:
    sock.setblocking(False)
    position, parts = 0, []
    if not request:
        sock.shutdown(socket.SHUT_WR)
    with selectors.DefaultSelector() as selector:
        selector.register(sock, EVENT_READ | EVENT_WRITE if request else EVENT_READ)
        while selector.get_map():
            ((key, events),) = selector.select()
            wanted = key.events
            if events & EVENT_WRITE:
                position += sock.send(request[position : position + 65536])
                if position == len(request):
                    sock.shutdown(socket.SHUT_WR)
                    wanted &= ~EVENT_WRITE
            if events & EVENT_READ:
                parts.append(sock.recv(32768))
                if not parts[-1]:
                    wanted &= ~EVENT_READ
            if wanted == 0:
                selector.unregister(sock)
            elif wanted != key.events:
                selector.modify(sock, wanted)
    return b"".join(parts)
