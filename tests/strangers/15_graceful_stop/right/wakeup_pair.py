# expect: pass
# gap: none
# cause: none; a non-blocking server that polls a wake-up socket pair beside its socket, and a way back for handler, mask and wake-up descriptor in which no SIGTERM slips through
# shows: nothing to see
import contextlib
import errno
import select
import signal
import socket
import time

FATAL = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


class Stop:
    """SIGTERM as a flag and as a descriptor to poll."""

    def __enter__(self):
        self.asked = False
        with contextlib.ExitStack() as undo:
            self.reader, writer = socket.socketpair()
            undo.callback(self.reader.close)
            undo.callback(writer.close)
            self.reader.setblocking(False)
            writer.setblocking(False)
            before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            undo.callback(signal.set_wakeup_fd, before)
            previous = signal.signal(signal.SIGTERM, self._note)
            undo.callback(self._put_back, previous)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *error):
        self._undo.close()
        return False

    def _note(self, number, frame):
        self.asked = True

    @staticmethod
    def _put_back(previous):
        if previous is None:        # not Python's to put back
            return
        # Blocked, so that none is noted but not yet run; then ignored, which throws
        # pending ones away, and unblocked while ignored: the last call is the border.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGTERM, previous)

    def drain(self):
        try:
            while self.reader.recv(512):
                pass
        except BlockingIOError:
            pass


def open_listener(port):
    failure = None
    for family, kind, proto, _, address in socket.getaddrinfo(
            None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE):
        try:
            listener = socket.socket(family, kind, proto)
        except OSError as error:
            failure = error
            continue
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(16)
            listener.setblocking(False)
            return listener
        except OSError as error:
            listener.close()
            failure = error
    raise failure


def wait(stop, listener, sock, what):
    """Until sock is ready or SIGTERM was seen; closes the listener on SIGTERM."""
    poller = select.poll()
    poller.register(stop.reader, select.POLLIN)
    poller.register(sock, what)
    ready = {fd for fd, _ in poller.poll()}
    if stop.reader.fileno() in ready:
        stop.drain()
    if stop.asked:
        listener.close()


def next_client(stop, listener):
    while not stop.asked:
        try:
            return listener.accept()[0]
        except BlockingIOError:
            wait(stop, listener, listener, select.POLLIN)
        except OSError as error:
            if error.errno in FATAL:
                raise
            if error.errno not in (errno.EINTR, errno.ECONNABORTED):
                time.sleep(0.05)
    return None


def echo(stop, listener, client):
    client.setblocking(False)
    owed = memoryview(b"")
    while True:
        try:
            if owed:
                owed = owed[client.send(owed, socket.MSG_NOSIGNAL):]
            else:
                owed = memoryview(client.recv(16384))
                if not owed:
                    return
        except BlockingIOError:
            wait(stop, listener, client, select.POLLOUT if owed else select.POLLIN)
        if stop.asked:
            listener.close()


def serve(port: str) -> None:
    with Stop() as stop, open_listener(port) as listener:
        while (client := next_client(stop, listener)) is not None:
            with contextlib.suppress(OSError), client:
                echo(stop, listener, client)
