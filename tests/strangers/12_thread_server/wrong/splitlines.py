# specimen: 12_thread_server python wrong
# expect: fail
# gap: other
# cause: What has come is taken apart with splitlines(), which also breaks at a CR: a line with one inside is counted as two.
# shows: A line that contains a CR.
# says: is no end of a line
import errno
import queue
import socket
import threading
import time

HOPELESS = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def open_listener(port):
    error = None
    for family, kind, proto, _, address in socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    ):
        try:
            sock = socket.socket(family, kind, proto)
        except OSError as e:
            error = e
            continue
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(128)
            return sock
        except OSError as e:
            error = e
            sock.close()
    raise error


class Staff:
    """A worker for every client; whoever has finished waits for the next one."""

    def __init__(self):
        self.lock = threading.Lock()
        self.idle = []
        self.lines = 0

    def number(self):
        with self.lock:
            self.lines += 1
            return self.lines

    def hand(self, sock):
        with self.lock:
            inbox = self.idle.pop() if self.idle else None
        if inbox is None:
            inbox = queue.SimpleQueue()
            threading.Thread(target=self.work, args=(inbox,), daemon=True).start()
        inbox.put(sock)

    def work(self, inbox):
        while True:
            self.attend(inbox.get())
            with self.lock:
                self.idle.append(inbox)

    def attend(self, sock):
        try:
            with sock:
                rest = b""
                while data := sock.recv(4096):
                    *lines, rest = (rest + data + b".").splitlines()
                    rest = rest[:-1]
                    for _ in lines:
                        sock.sendall(b"%d\n" % self.number())
        except OSError:
            pass


def serve(port: str) -> None:
    staff = Staff()
    with open_listener(port) as listener:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError as e:
                if e.errno in HOPELESS:
                    raise
                if e.errno != errno.ECONNABORTED:
                    time.sleep(0.03)
                continue
            try:
                staff.hand(sock)
            except RuntimeError:  # no more threads
                try:
                    sock.close()
                except OSError:
                    pass
