# expect: fail
# gap: other
# cause: settimeout(None) makes sure that send() waits, and leaves the socket so: the caller's limit is neither kept during the call nor there after it.
# shows: The caller has called settimeout(), and looks at it (or relies on it) afterwards.
# says: leaves the caller's socket with another time limit
import socket


def send_all(sock: socket.socket, data: bytes) -> None:
    if not data:
        return
    sock.settimeout(None)
    sent = 0
    while sent < len(data):
        sent += sock.send(memoryview(data)[sent:])
