# expect: fail
# gap: other
# cause: Every recv() is answered as if it had brought exactly one line; TCP does not keep the edges of what was sent.
# shows: Three lines in one send get one number; a line in two pieces gets two.
# says: 2 lines at once, and 1 answer was sent: a chunk is not a line
import contextlib
import errno
import itertools
import socket
import threading
import time


def _bind(info):
    family, kind, protocol, _, address = info
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.socket(family, kind, protocol))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        sock.bind(address)
        sock.listen()
        stack.pop_all()
        return sock


def _listen(port):
    infos = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for info in infos[:-1]:
        with contextlib.suppress(OSError):
            return _bind(info)
    return _bind(infos[-1])


numbers = itertools.count(1)
turn = threading.Lock()


def handle(conn):
    with contextlib.suppress(OSError), conn:
        while True:
            line = conn.recv(1024)
            if not line:
                break
            with turn:
                number = next(numbers)
            conn.sendall(str(number).encode() + b"\n")


def serve(port: str) -> None:
    with _listen(port) as listener:
        while True:
            try:
                conn, _ = listener.accept()
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.01)
                continue
            try:
                threading.Thread(target=handle, args=(conn,), daemon=True).start()
            except RuntimeError:
                conn.close()
