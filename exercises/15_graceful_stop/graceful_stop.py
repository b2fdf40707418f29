"""An echo server that SIGTERM ends, after the client it is serving."""

import errno
import select
import signal
import socket
import time


def listen_on(port: str) -> socket.socket:
    """Listen on port, on every IPv4 address of this machine."""
    candidates = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    for family, kind, protocol, _, address in candidates:
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(10)
            listener.setblocking(False)
            return listener
        except OSError as refusal:
            error = refusal
            listener.close()
    raise error


def serve(port: str) -> None:
    """Echo what clients send, one after the other, until SIGTERM.

    Raises:
        socket.gaierror: the service is unknown.
        OSError: the port cannot be had, or is lost.
    """
    stopping = False

    def stop(number: int, frame: object) -> None:
        nonlocal stopping
        stopping = True

    listener = listen_on(port)
    try:
        wake, alarm = socket.socketpair()
    except OSError:
        listener.close()
        raise
    # A signal writes to alarm: select() returns however late it has come.
    alarm.setblocking(False)
    old_alarm = signal.set_wakeup_fd(alarm.fileno())
    old_handler = signal.signal(signal.SIGTERM, stop)
    try:
        while not stopping:
            ready, _, _ = select.select([listener], [], [])
            if wake in ready:
                wake.recv(64)
                continue
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.01)  # descriptors may lack for a while
                continue
            connection.setblocking(True)
            try:
                while not stopping and (data := connection.recv(4096)):
                    connection.sendall(data)
            except OSError:
                pass  # this client is gone
            finally:
                connection.close()
    finally:
        signal.set_wakeup_fd(old_alarm)
        wake.close()
        alarm.close()
