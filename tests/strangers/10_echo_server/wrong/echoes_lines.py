# expect: fail
# gap: other
# cause: The connection is read as a file of lines: nothing is echoed before its line is complete.
# shows: A client sends bytes without a newline and waits for their echo before it goes on.
# says: 245 bytes after the last LF, which are held back
import errno
import socket
import time


def open_listener(port):
    failure = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    ):
        try:
            listener = socket.socket(family, kind, protocol)
        except OSError as error:
            failure = error
            continue
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            failure = error
            listener.close()
            continue
        return listener
    raise failure


class EchoServer:
    def __init__(self, port):
        self.listener = open_listener(port)

    def attend(self, client):
        try:
            with client, client.makefile("rb") as lines:
                for line in lines:
                    client.sendall(line)
        except OSError:
            pass

    def run(self):
        with self.listener:
            while True:
                try:
                    client, _ = self.listener.accept()
                except OSError as error:
                    if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                    time.sleep(0.05)
                else:
                    self.attend(client)


def serve(port: str) -> None:
    EchoServer(port).run()
