# specimen: 15_graceful_stop python wrong
# expect: fail
# gap: other
# cause: set_wakeup_fd() is never undone; after serve() Python still writes signal numbers to a descriptor that has been closed.
# shows: when the caller receives a signal after serve() has returned: Python complains on standard error, or writes into whatever has got that descriptor number since.
# says: does not undo signal.set_wakeup_fd()
import errno
import os
import select
import signal
import socket


def get_socket(port):
    if port == "":
        raise ValueError("port must not be empty")
    try:
        if int(port) not in range(0, 65536):
            raise ValueError
    except ValueError:
        if port.strip("+-0123456789") == "":
            raise ValueError("port must be between 0 and 65535") from None
    error = None
    for family, type_, proto, _, addr in socket.getaddrinfo(
            None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE):
        s = socket.socket(family, type_, proto)
        try:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(addr)
            s.listen(128)
            s.setblocking(False)
        except OSError as exc:
            error = exc
            s.close()
        else:
            return s
    raise error


class SignalPipe:
    def __init__(self):
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)
        os.set_blocking(self.write_end, False)
        self.term = False
        signal.set_wakeup_fd(self.write_end)
        self.old = signal.signal(signal.SIGTERM, self.handler)

    def handler(self, signum, frame):
        self.term = True

    def poll(self, sock, events, timeout=None):
        """True if sock is ready."""
        p = select.poll()
        p.register(self.read_end, select.POLLIN)
        if sock is not None:
            p.register(sock, events)
        fds = [fd for fd, _ in p.poll(timeout)]
        if self.read_end in fds:
            os.read(self.read_end, 4096)
            fds.remove(self.read_end)
        return bool(fds)

    def close(self):
        signal.signal(signal.SIGTERM, self.old)
        os.close(self.read_end)
        os.close(self.write_end)


def echo_client(conn, listener, signals):
    data = b""
    while True:
        wanted = select.POLLOUT if data else select.POLLIN
        ready = signals.poll(conn, wanted)
        if signals.term:
            listener.close()
        if not ready:
            continue
        try:
            if data:
                data = data[conn.send(data):]
            else:
                data = conn.recv(4096)
                if not data:
                    return
        except BlockingIOError:
            pass


def serve(port):
    signals = SignalPipe()
    try:
        with get_socket(port) as listener:
            while not signals.term:
                if not signals.poll(listener, select.POLLIN) or signals.term:
                    continue
                try:
                    conn, _ = listener.accept()
                except BlockingIOError:
                    continue
                except OSError as exc:
                    if exc.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                    if exc.errno != errno.ECONNABORTED:
                        signals.poll(None, 0, 50)
                    continue
                with conn:
                    conn.setblocking(False)
                    try:
                        echo_client(conn, listener, signals)
                    except OSError:
                        pass
    finally:
        signals.close()
