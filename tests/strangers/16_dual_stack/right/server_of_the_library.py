# expect: pass
# gap: none
# cause: -
# shows: -
import errno
import socket
import socketserver
import time


class Tell(socketserver.BaseRequestHandler):
    def handle(self):
        host = self.client_address[0]
        if self.server.address_family == socket.AF_INET6:
            raw = socket.inet_pton(socket.AF_INET6, host)
            if raw[:10] == b"\0" * 10 and raw[10:12] == b"\xff\xff":
                host = ".".join(str(byte) for byte in raw[12:])
        self.request.sendall(host.encode())


class Server(socketserver.TCPServer):
    allow_reuse_address = True

    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def get_request(self):
        try:
            return super().get_request()
        except OSError:
            time.sleep(0.01)
            raise

    def shutdown_request(self, request):
        request.close()

    def handle_error(self, request, client_address):
        pass


class Server6(Server):
    address_family = socket.AF_INET6


def make(port):
    for kind in (Server6, Server):
        infos = socket.getaddrinfo(None, port, kind.address_family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
        try:
            return kind(infos[0][4], Tell)
        except OSError as error:
            if kind is Server or error.errno != errno.EAFNOSUPPORT:
                raise


def serve(port):
    with make(port) as server:
        server.serve_forever(poll_interval=0.05)
