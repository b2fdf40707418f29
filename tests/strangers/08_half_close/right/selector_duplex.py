# expect: pass
# gap: none
# cause: none
# shows: never
import selectors
import socket

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
CHUNK = 1 << 16


def _connect(host: str, port: str) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout=None)
    except UnicodeError as error:  # the host is no name that IDNA can encode
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error


def ask(host: str, port: str, request: bytes) -> bytes:
    reply = bytearray()
    unsent = memoryview(request)
    wanted = READ | WRITE
    with _connect(host, port) as sock, selectors.DefaultSelector() as selector:
        sock.setblocking(False)
        selector.register(sock, wanted)
        while wanted:
            for _key, ready in selector.select():
                now = wanted
                if ready & READ:
                    try:
                        data = sock.recv(CHUNK)
                    except BlockingIOError:
                        pass
                    else:
                        reply += data
                        if not data:
                            now &= ~READ
                if ready & WRITE:
                    try:
                        if unsent:
                            unsent = unsent[sock.send(unsent[:CHUNK], socket.MSG_NOSIGNAL):]
                    except BlockingIOError:
                        pass
                    if not unsent:
                        sock.shutdown(socket.SHUT_WR)
                        now &= ~WRITE
                if now != wanted:
                    wanted = now
                    if wanted:
                        selector.modify(sock, wanted)
                    else:
                        selector.unregister(sock)
    return bytes(reply)
