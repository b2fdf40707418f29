# expect: pass
# gap: none
# cause: -
# shows: -
import socket


def send_all(sock: socket.socket, data: bytes) -> None:
    with memoryview(data) as whole, whole.cast("B") as rest:
        at = 0
        while at < len(rest):
            at += sock.send(rest[at:])
