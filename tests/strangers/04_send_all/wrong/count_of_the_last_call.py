# expect: fail
# gap: resent-start
# cause: The offset is set to the last call's count instead of being raised by it: from the third call on, bytes that have gone already are sent again.
# shows: Two short counts in one message.
import socket


def send_all(sock: socket.socket, data: bytes) -> None:
    total = len(data)
    sent = 0
    left = total
    while left > 0:
        sent = sock.send(data[sent:])
        left -= sent
