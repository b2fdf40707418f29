# expect: fail
# gap: closed-too-early
# cause: shutdown() is given SHUT_RD, which ends the direction that the reply comes in, and not SHUT_WR.
# shows: always.
# says: shutdown() ends the receiving direction of `sock` before the reply has come
import selectors
import socket


def ask(host: str, port: str, request: bytes) -> bytes:
    rest, reply = memoryview(request), b""
    with socket.create_connection((host, port)) as sock, selectors.DefaultSelector() as selector:
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while True:
            for _, events in selector.select():
                if events & selectors.EVENT_WRITE:
                    if rest:
                        rest = rest[sock.send(rest):]
                    if not rest:
                        sock.shutdown(socket.SHUT_RD)
                        selector.modify(sock, selectors.EVENT_READ)
                if events & selectors.EVENT_READ:
                    chunk = sock.recv(65536)
                    if not chunk and not rest:
                        return reply
                    reply += chunk
