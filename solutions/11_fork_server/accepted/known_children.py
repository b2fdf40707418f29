"""An echo server that knows its children, and asks after each of them."""

import errno
import os
import select
import socket

PASSES = {
    errno.ECONNABORTED, errno.EPROTO, errno.ENOBUFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EPERM,
    errno.ENETDOWN, errno.ENOPROTOOPT, errno.EHOSTDOWN, errno.ENONET, errno.EHOSTUNREACH, errno.EOPNOTSUPP,
    errno.ENETUNREACH, errno.EAGAIN,
}  # fmt: skip


class Children:
    """The processes that serve a client."""

    def __init__(self) -> None:
        self._pids: set[int] = set()

    def start(self, connection: socket.socket, listener: socket.socket) -> None:
        pid = os.fork()
        if pid != 0:
            self._pids.add(pid)
            return
        status = 1
        try:
            os.close(listener.fileno())
            with connection:
                self.attend(connection)
            status = 0
        except OSError:
            pass
        os._exit(status)

    @staticmethod
    def attend(connection: socket.socket) -> None:
        buffer = bytearray(2048)
        while size := connection.recv_into(buffer):
            view = memoryview(buffer)[:size]
            while view:
                view = view[connection.send(view) :]

    def reap(self) -> None:
        for pid in list(self._pids):
            done, _status = os.waitpid(pid, os.WNOHANG)
            if done:
                self._pids.remove(pid)


def serve(port: str) -> None:
    children = Children()
    _, _, _, _, address = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    )[0]
    listener = socket.create_server(address, backlog=32)
    try:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if error.errno not in PASSES:
                    raise
                select.select([], [], [], 0.02)
                continue
            finally:
                children.reap()
            try:
                children.start(connection, listener)
            except OSError:
                pass
            finally:
                connection.close()
    finally:
        listener.close()
