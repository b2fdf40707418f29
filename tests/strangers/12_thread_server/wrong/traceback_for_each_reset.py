# expect: fail
# gap: thread-dies-loudly
# cause: A client's ConnectionResetError or BrokenPipeError leaves its thread uncaught: the others go on, but threading.excepthook prints a traceback, and nothing may be printed.
# shows: A client resets its connection: a traceback on standard error.
import errno
import socket
import threading
import time


def open_listener(port):
    failure = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    ):
        try:
            listener = socket.socket(family, kind, protocol)
        except OSError as error:
            failure = error
            continue
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            failure = error
            listener.close()
            continue
        return listener
    raise failure


class LineCounter:
    def __init__(self):
        self.lock = threading.Lock()
        self.total = 0

    def handle_client(self, client):
        with client:
            while True:
                data = client.recv(4096)
                if not data:
                    return
                for _ in range(data.count(b"\n")):
                    with self.lock:
                        self.total += 1
                        number = self.total
                    client.sendall(f"{number}\n".encode("ascii"))

    def serve(self, port):
        with open_listener(port) as listener:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError as error:
                    if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                    time.sleep(0.02)
                    continue
                thread = threading.Thread(target=self.handle_client, args=(client,), daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    client.close()


def serve(port: str) -> None:
    LineCounter().serve(port)
