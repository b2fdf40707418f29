# expect: fail
# gap: other
# cause: sixteen threads are started beforehand, and each of them accepts a client and serves it to its end; the next client stays in the backlog until one of the sixteen leaves.
# shows: when more than sixteen clients stay connected.
# says: waits in each of the 16 threads for a client of its own, and
import errno
import queue
import socket
import threading
import time

FATAL = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


class Counter:
    def __init__(self):
        self.lock, self.value = threading.Lock(), 0

    def next(self):
        with self.lock:
            self.value += 1
            return self.value


def _talk(client, counter):
    with client:
        try:
            while data := client.recv(4096):
                for _ in range(data.count(b"\n")):
                    client.sendall(b"%d\n" % counter.next())
        except OSError:
            pass


def _work(listener, counter, ends):
    while True:
        try:
            client, _ = listener.accept()
        except OSError as error:
            if error.errno in FATAL:
                ends.put(error)
                return
            if error.errno != errno.ECONNABORTED:
                time.sleep(0.05)
            continue
        _talk(client, counter)


def serve(port: str) -> None:
    (*kind, _, address), *_ = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    counter, ends = Counter(), queue.SimpleQueue()
    with socket.socket(*kind) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
        for _ in range(16):
            try:
                threading.Thread(target=_work, args=(listener, counter, ends), daemon=True).start()
            except RuntimeError:
                continue
        raise ends.get()
