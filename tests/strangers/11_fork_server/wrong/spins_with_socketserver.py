# specimen: 11_fork_server python wrong
# expect: fail
# gap: other
# cause: socketserver's loop asks for the next client at once when there are no descriptors.
# shows: the process has no descriptors left and a client waits in the backlog
# says: (EMFILE) and is called again at once, over and over
import socket
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

    def handle_error(self, request, client_address):
        pass


def serve(port):
    address = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][4]
    with Server(address, Echo) as server:
        server.serve_forever()
