# expect: pass
# gap: none
# cause: it waits for room before each send(), and what send() raises all the same goes to the caller.
# shows: never.
import selectors
import socket


def send_all(sock: socket.socket, data: bytes) -> None:
    rest = memoryview(data).cast("B")
    if not rest:
        return
    with selectors.SelectSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        while rest:
            selector.select(sock.gettimeout())
            rest = rest[sock.send(rest):]
