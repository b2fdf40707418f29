# expect: fail
# gap: other
# cause: Every byte from the wakeup descriptor is taken for SIGTERM, but Python writes the number of any signal that has a Python handler into it: the server stops on the caller's SIGUSR1, SIGCHLD or SIGALRM too.
# shows: The caller has a handler for another signal, and that signal arrives while the server runs: serve() returns.
# says: when SIGUSR1 came
import errno
import os
import select
import signal
import socket


def open_server(service):
    last = None
    infos = socket.getaddrinfo(None, service, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    for *_, sockaddr in infos:
        try:
            return socket.create_server(sockaddr, backlog=socket.SOMAXCONN)  # sets SO_REUSEADDR
        except OSError as problem:
            last = problem
    raise last


class Stopper:
    def __init__(self):
        self.requested = False
        self.r, self.w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.wakeup = signal.set_wakeup_fd(self.w, warn_on_full_buffer=False)
        self.handler = signal.signal(signal.SIGTERM, self.ignore)

    @staticmethod
    def ignore(signum, frame):
        pass

    def restore(self):
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        signal.signal(signal.SIGTERM, self.handler)
        signal.set_wakeup_fd(self.wakeup)
        while signal.sigtimedwait([signal.SIGTERM], 0) is not None:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(self.r)
        os.close(self.w)

    def select(self, reading=(), writing=(), timeout=None):
        poller = select.poll()
        for sock in reading:
            poller.register(sock, select.POLLIN)
        for sock in writing:
            poller.register(sock, select.POLLOUT)
        if not self.requested:
            poller.register(self.r, select.POLLIN)
        fds = {fd for fd, _ in poller.poll(timeout)}
        if self.r in fds:
            fds.remove(self.r)
            os.read(self.r, 512)
            self.requested = True       # somebody rang
        return bool(fds)


def chat(stopper, listener, conn):
    conn.setblocking(False)
    pending = b""
    while True:
        if pending:
            ready = stopper.select(writing=[conn])
        else:
            ready = stopper.select(reading=[conn])
        if stopper.requested:
            listener.close()
        if not ready:
            continue
        try:
            if pending:
                pending = pending[conn.send(pending):]
            else:
                pending = conn.recv(8192)
                if not pending:
                    break
        except BlockingIOError:
            continue
        except OSError:
            break


def serve(port: str) -> None:
    stopper = Stopper()
    try:
        with open_server(port) as listener:
            listener.setblocking(False)
            while not stopper.requested:
                if not stopper.select(reading=[listener]) or stopper.requested:
                    continue
                try:
                    conn, _ = listener.accept()
                except (BlockingIOError, ConnectionAbortedError):
                    continue
                except OSError as e:
                    if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                    stopper.select(timeout=20)
                    continue
                with conn:
                    chat(stopper, listener, conn)
    finally:
        stopper.restore()
