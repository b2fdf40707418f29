# specimen: 04_send_all python right
# expect: pass
# gap: none
# cause: -
# shows: -
import socket


def send_all(sock: socket.socket, data: bytes) -> None:
    with memoryview(data) as whole, whole.cast("B") as rest:
        sent = 0
        while sent < len(rest):
            with rest[sent:] as tail:
                sent += sock.send(tail)
