# expect: fail
# gap: other
# cause: the handler puts the default action back when it is called, "to let a second SIGTERM kill a server that hangs"; so the second one cuts off the client that is still served.
# shows: when a second SIGTERM comes while the current client is served.
# says: the handler took the first SIGTERM alone: the next one found none and ended the program
"""An echo server that leaves in good order: on SIGTERM the door closes, the client at the
table finishes, and serve() returns."""

import errno
import select
import signal
import socket

LOOK_UP = 50  # milliseconds between two looks at the flag

HOPELESS = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def check_port(port):
    if not port:
        raise ValueError("no port given")
    try:
        number = int(port)
    except ValueError:
        return  # a service name
    if not 0 <= number <= 65535:
        raise ValueError("port out of range: " + port)


def open_listener(port):
    check_port(port)
    last_error = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    ):
        try:
            listener = socket.socket(family, kind, protocol)
        except OSError as error:
            last_error = error
            continue
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
            listener.setblocking(False)
            return listener
        except OSError as error:
            last_error = error
            listener.close()
    raise last_error


class Server:
    def __init__(self):
        self.stopping = False
        self.listener = None

    def on_sigterm(self, signum, frame):
        self.stopping = True
        signal.signal(signum, signal.SIG_DFL)

    def ready(self, sock, event):
        """One short wait. A signal that comes at a bad moment is seen at the next look."""
        poll = select.poll()
        poll.register(sock, event)
        answer = poll.poll(LOOK_UP)
        if self.stopping:
            self.listener.close()  # from now on nobody else gets in
        return bool(answer)

    def next_client(self):
        """The next connection, or None when the server has to stop."""
        while not self.stopping:
            if not self.ready(self.listener, select.POLLIN) or self.stopping:
                continue
            try:
                conn, address = self.listener.accept()
            except OSError as error:
                if error.errno in HOPELESS:
                    raise
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    select.poll().poll(LOOK_UP)
                continue
            conn.setblocking(False)
            return conn
        return None

    def receive(self, conn):
        while True:
            if self.ready(conn, select.POLLIN):
                try:
                    return conn.recv(4096)
                except BlockingIOError:
                    pass

    def send(self, conn, data):
        while data:
            if self.ready(conn, select.POLLOUT):
                try:
                    sent = conn.send(data)
                except BlockingIOError:
                    continue
                data = data[sent:]

    def echo(self, conn):
        try:
            while True:
                data = self.receive(conn)
                if not data:
                    return
                self.send(conn, data)
        except OSError:
            pass  # the client is gone
        finally:
            conn.close()


def serve(port):
    server = Server()
    old_handler = signal.signal(signal.SIGTERM, server.on_sigterm)
    try:
        server.listener = open_listener(port)
        try:
            while True:
                conn = server.next_client()
                if conn is None:
                    return
                server.echo(conn)
        finally:
            server.listener.close()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if old_handler is None else old_handler)
