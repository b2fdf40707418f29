# specimen: 15_graceful_stop python right
# expect: pass
# gap: none
# cause: -
# shows: -
import contextlib
import errno
import signal
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


def watch(reader, listener, done):
    """Runs in a thread: the first SIGTERM number on the wakeup socket ends the listening."""
    while not done.is_set():
        try:
            numbers = reader.recv(64)
        except TimeoutError:
            continue
        except OSError:
            time.sleep(0.01)
            continue
        if signal.SIGTERM in numbers:
            for _ in range(3):  # the second time it is merely refused
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)  # accept() fails with EINVAL from now on
            return


def echo(sock):
    with contextlib.suppress(OSError), sock:
        while data := sock.recv(4096):
            sock.sendall(data)


def accept_all(listener, stopped):
    while not stopped.is_set():
        try:
            sock, _ = listener.accept()
        except OSError as e:
            if e.errno in HOPELESS:
                # the watcher may have been quicker than the handler
                for _ in range(20):
                    if stopped.is_set():
                        return
                    time.sleep(0.001)
                raise
            if e.errno != errno.ECONNABORTED:
                time.sleep(0.02)
            continue
        echo(sock)


def serve(port):
    stopped, done = threading.Event(), threading.Event()
    with contextlib.ExitStack() as stack:
        reader, writer = socket.socketpair()
        stack.enter_context(reader)
        stack.enter_context(writer)
        writer.setblocking(False)
        reader.settimeout(0.05)
        old_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        stack.callback(lambda: signal.set_wakeup_fd(old_fd))
        old = signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        stack.callback(signal.signal, signal.SIGTERM, signal.SIG_DFL if old is None else old)
        listener = stack.enter_context(open_listener(port))
        watcher = threading.Thread(target=watch, args=(reader, listener, done))
        watcher.start()
        stack.callback(watcher.join)
        stack.callback(done.set)
        accept_all(listener, stopped)
