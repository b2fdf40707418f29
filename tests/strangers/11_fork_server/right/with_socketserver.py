# specimen: 11_fork_server python right
# expect: pass
# gap: none
# cause: -
# shows: after EBADF from accept() it goes on, and drops no client
import errno
import socket
import time
import socketserver


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.server.socket.close()
        try:
            while data := self.request.recv(4096):
                self.request.sendall(data)
        except OSError:
            pass


class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    request_queue_size = 20
    max_children = 200

    def get_request(self):
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                time.sleep(0.05)
            raise

    def handle_error(self, request, client_address):
        pass


def serve(port):
    address = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][4]
    with Server(address, Echo) as server:
        server.serve_forever()
