"""On top of the library's UnixStreamServer, which binds and listens when it is told."""

import errno
import fcntl
import os
import socket
import socketserver
import stat
import time
from contextlib import closing, contextmanager


@contextmanager
def alone_in(directory):
    fd = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while data := self.request.recv(8192):
                self.request.sendall(data)
        except OSError:
            pass


class Server(socketserver.UnixStreamServer):
    request_queue_size = 20

    def server_bind(self):
        self.clear()
        super().server_bind()
        try:
            os.chmod(self.server_address, 0o600)
            self.file = self.identity()
            self.server_activate()
        except OSError:
            os.remove(self.server_address)
            raise

    def clear(self):
        try:
            mode = os.stat(self.server_address, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return
        taken = OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        if not stat.S_ISSOCK(mode):
            raise taken
        with closing(socket.socket(self.address_family, self.socket_type)) as visitor:
            visitor.setblocking(False)
            try:
                visitor.connect(self.server_address)
            except ConnectionRefusedError:
                os.remove(self.server_address)
                return
            except OSError as error:
                if error.errno not in {errno.EAGAIN, errno.EPROTOTYPE}:
                    raise
            raise taken

    def identity(self):
        found = os.lstat(self.server_address)
        return found.st_dev, found.st_ino

    def get_request(self):
        try:
            return super().get_request()
        except OSError:
            time.sleep(0.01)  # descriptors may lack for a while
            raise

    def handle_error(self, request, client_address):
        pass

    def server_close(self):
        if hasattr(self, "file"):
            try:
                if self.identity() == self.file:
                    os.remove(self.server_address)
            except FileNotFoundError:
                pass
        super().server_close()


def serve(path):
    if not path or "\0" in path:
        raise ValueError(path)
    if len(path.encode("utf-8", "surrogateescape")) >= 108:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    with alone_in(os.path.dirname(path) or "."):
        server = Server(path, Echo, bind_and_activate=False)
        try:
            server.server_bind()
        except BaseException:
            server.server_close()
            raise
    with server:
        server.serve_forever()
