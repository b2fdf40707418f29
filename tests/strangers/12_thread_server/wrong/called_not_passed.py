# expect: fail
# gap: other
# cause: attend() is called where it should be handed over as the thread's target: it runs in the accepting thread, and the new thread has nothing to do.
# shows: Two clients at once: the second is not answered until the first has left.
# says: in the thread that accepts them
import errno
import socket
import threading
import time


def open_listener(port):
    problem = None
    for family, kind, proto, _, address in socket.getaddrinfo(
            None, port, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
        try:
            listener = socket.socket(family, kind, proto)
        except OSError as e:
            problem = e
            continue
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(64)
        except OSError as e:
            listener.close()
            problem = e
            continue
        return listener
    raise problem

USELESS = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def next_client(listener):
    while True:
        try:
            conn, _ = listener.accept()
            return conn
        except OSError as e:
            if e.errno in USELESS:
                raise
            if e.errno != errno.ECONNABORTED:
                time.sleep(0.03)


class Counter:
    def __init__(self):
        self.lock = threading.Lock()
        self.value = 0

    def next(self):
        with self.lock:
            self.value += 1
            return self.value


def attend(conn, counter):
    with conn:
        try:
            while data := conn.recv(4096):
                for _ in range(data.count(b"\n")):
                    conn.sendall(b"%d\n" % counter.next())
        except OSError:
            pass


def serve(port: str) -> None:
    counter = Counter()
    with open_listener(port) as listener:
        while True:
            conn = next_client(listener)
            try:
                threading.Thread(target=attend(conn, counter), daemon=True).start()
            except RuntimeError:
                conn.close()
