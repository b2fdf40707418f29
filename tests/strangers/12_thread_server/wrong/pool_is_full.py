# specimen: 12_thread_server python wrong
# expect: fail
# gap: other
# cause: The clients share a pool of threads of a fixed size instead of having one each; a connected client holds its worker until it leaves.
# shows: when more clients stay connected than the pool has workers: the next one is accepted but never answered.
# says: for a client of its own, and last has no thread until one of these leaves
import concurrent.futures
import contextlib
import errno
import socket
import threading
import time


class LineServer:
    def __init__(self):
        self._lock = threading.Lock()
        self._lines = 0

    def _number(self) -> int:
        with self._lock:
            self._lines += 1
            return self._lines

    def _session(self, conn: socket.socket) -> None:
        with conn, contextlib.suppress(OSError):
            while data := conn.recv(8192):
                for _ in range(data.count(b"\n")):
                    conn.sendall(f"{self._number()}\n".encode())

    @staticmethod
    def _listen(port: str) -> socket.socket:
        if not port or (port.lstrip("-").isdecimal() and not 0 <= int(port) <= 65535):
            raise ValueError(f"{port!r} is not a port")
        problem = None
        for *_, address in socket.getaddrinfo(
            None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            try:
                return socket.create_server(address, backlog=128)
            except OSError as error:
                problem = error
        raise problem

    def run(self, port: str) -> None:
        with self._listen(port) as listener, concurrent.futures.ThreadPoolExecutor() as pool:
            while True:
                try:
                    conn, _ = listener.accept()
                except OSError as error:
                    if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                    if error.errno != errno.ECONNABORTED:
                        time.sleep(0.05)
                    continue
                try:
                    pool.submit(self._session, conn)
                except RuntimeError:
                    conn.close()


def serve(port: str) -> None:
    LineServer().run(port)
