# expect: fail
# gap: one-at-a-time
# cause: socketserver.ForkingMixIn has at most max_children = 40 processes; with so many it waits in waitpid() until one of them ends, and nobody else is served.
# shows: 40 clients stay connected and silent: the 41st is not answered before one of them leaves.
import errno
import socket
import socketserver
import time


class ListenerLost(Exception):
    pass


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.server.socket.close()  # the parent's business
        try:
            while data := self.request.recv(8192):
                self.request.sendall(data)
        except OSError:
            pass


class Server(socketserver.ForkingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    block_on_close = False
    request_queue_size = 128

    def get_request(self):
        try:
            return self.socket.accept()
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise ListenerLost from error
            if error.errno != errno.ECONNABORTED:
                time.sleep(0.02)
            raise

    def handle_error(self, request, client_address):
        pass  # one client less


def serve(port: str) -> None:
    failure = None
    for *_, address in socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE):
        try:
            server = Server(address, Echo)
        except OSError as error:
            failure = error
            continue
        with server:
            try:
                server.serve_forever(poll_interval=0.1)
            except ListenerLost as lost:
                raise lost.__cause__
    raise failure
