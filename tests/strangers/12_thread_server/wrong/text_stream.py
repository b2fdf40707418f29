# expect: fail
# gap: other
# cause: The stream is opened as text, and Python's text streams end a line at a lone CR too; the exercise's lines end in LF only.
# shows: A line with a CR in it: it is answered twice, and a number is lost to the others.
# says: is no end of a line
import errno
import socket
import threading
import time


class Counter:
    def __init__(self):
        self._value = 0
        self._lock = threading.Lock()

    def next(self):
        with self._lock:
            self._value += 1
            return self._value


def get_listener(port):
    last = None
    for res in socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE):
        try:
            sock = socket.socket(res[0], res[1], res[2])
        except OSError as e:
            last = e
            continue
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(res[4])
            sock.listen(40)
            return sock
        except OSError as e:
            last = e
            sock.close()
    raise last


def handle_client(conn, counter):
    try:
        with conn, conn.makefile("r", encoding="latin-1") as lines:
            for line in lines:
                if line.endswith("\n"):
                    conn.sendall(f"{counter.next()}\n".encode("ascii"))
    except OSError:
        pass


def serve(port: str) -> None:
    counter = Counter()
    with get_listener(port) as listener:
        while True:
            try:
                conn, _ = listener.accept()
            except OSError as e:
                if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.02)
                continue
            try:
                threading.Thread(target=handle_client, args=(conn, counter), daemon=True).start()
            except RuntimeError:
                conn.close()
