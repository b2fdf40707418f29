# expect: pass
# gap: none
# cause: -
# shows: -
import io
import socket


class Outgoing(io.BytesIO):
    """A stream that is read by as much as a socket takes."""

    def drain(self, sock):
        while chunk := self.read(65536):
            taken = sock.send(chunk)
            self.seek(taken - len(chunk), io.SEEK_CUR)


def send_all(sock: socket.socket, data: bytes) -> None:
    with Outgoing(data) as outgoing:
        outgoing.drain(sock)
