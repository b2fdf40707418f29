# expect: fail
# gap: no-half-close
# cause: the thread that sends is started for a request that has bytes alone, and shutdown() stands in it; the end of an empty request is never told.
# shows: when the request is empty and the server reads to end-of-file before it answers.
# says: waits for the reply, and the server for the end of the request: it is empty, and no shutdown() was called to say so
import socket
import threading


class _Sender(threading.Thread):
    def __init__(self, sock: socket.socket, request: bytes) -> None:
        super().__init__()
        self.sock, self.request, self.error = sock, request, None

    def run(self) -> None:
        try:
            self.sock.sendall(self.request)
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.error = error


def ask(host: str, port: str, request: bytes) -> bytes:
    with socket.create_connection((host, port)) as sock:
        sender = None
        if request:
            sender = _Sender(sock, request)
            sender.start()
        reply = bytearray()
        try:
            while chunk := sock.recv(65536):
                reply += chunk
        finally:
            if sender:
                sender.join()
        if sender and sender.error:
            raise sender.error
        return bytes(reply)
