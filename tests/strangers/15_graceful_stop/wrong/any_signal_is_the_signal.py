# specimen: 15_graceful_stop python wrong
# expect: fail
# gap: other
# cause: Whatever arrives on the wakeup descriptor is taken for SIGTERM; Python writes every signal that has a handler there.
# shows: The caller has a handler for SIGUSR1 or SIGALRM, and that signal comes: the server stops.
# says: when SIGUSR1 came
import contextlib
import errno
import select
import signal
import socket

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


class Stop:
    """SIGTERM as something that poll() can wait for."""

    def __init__(self):
        self.come = False
        self.listener = None
        self.reader, self.writer = socket.socketpair()
        try:
            self.reader.setblocking(False)
            self.writer.setblocking(False)
            self.old_fd = signal.set_wakeup_fd(self.writer.fileno(), warn_on_full_buffer=False)
        except BaseException:
            self.reader.close()
            self.writer.close()
            raise
        self.old = signal.signal(signal.SIGTERM, self.handle)

    def handle(self, _signum, _frame):
        self.come = True

    def undo(self):
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL if self.old is None else self.old)
        finally:
            signal.set_wakeup_fd(self.old_fd)
            self.reader.close()
            self.writer.close()

    def wait(self, sock, events, timeout=None):
        poll = select.poll()
        if not self.come:
            poll.register(self.reader, select.POLLIN)
        if sock is not None:
            poll.register(sock, events)
        ready = {fd for fd, _ in poll.poll(timeout)}
        if self.reader.fileno() in ready:
            self.come = True
        if self.come and self.listener is not None:
            with contextlib.suppress(OSError):
                self.listener.close()
        return sock is not None and sock.fileno() in ready


def echo(stop, sock):
    sock.setblocking(False)
    data = b""
    while True:
        if not stop.wait(sock, select.POLLOUT if data else select.POLLIN):
            continue
        try:
            if data:
                data = data[sock.send(data):]
            else:
                data = sock.recv(8000)
                if not data:
                    return
        except (BlockingIOError, InterruptedError):
            pass


def run(stop):
    listener = stop.listener
    while not stop.come:
        if not stop.wait(listener, select.POLLIN) or stop.come:
            continue
        try:
            sock, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            continue
        except OSError as e:
            if e.errno in HOPELESS:
                raise
            stop.wait(None, 0, 30)
            continue
        try:
            with sock:
                echo(stop, sock)
        except OSError:
            pass


def serve(port):
    stop = Stop()
    try:
        with open_listener(port) as listener:
            listener.setblocking(False)
            stop.listener = listener
            run(stop)
    finally:
        stop.undo()
