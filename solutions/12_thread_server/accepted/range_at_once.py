"""A line counter whose state is a class, with low-level threads."""

import _thread
import errno
import socket
import time


class Counter:
    """Gives every number once."""

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._last = 0

    def next(self, count: int) -> range:
        with self._lock:
            first = self._last + 1
            self._last += count
            return range(first, self._last + 1)


def attend(connection: socket.socket, counter: Counter) -> None:
    buffer = bytearray(512)
    with connection:
        while True:
            try:
                size = connection.recv_into(buffer)
                if size == 0:
                    return
                answers = b"".join(b"%d\n" % n for n in counter.next(buffer[:size].count(b"\n")))
                while answers:
                    answers = answers[connection.send(answers) :]
            except OSError:
                return


def serve(port: str) -> None:
    info = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0]
    counter = Counter()
    with socket.socket(*info[:3]) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(info[4])
        listener.listen()
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.02)
                continue
            try:
                _thread.start_new_thread(attend, (connection, counter))
            except RuntimeError:
                connection.close()
