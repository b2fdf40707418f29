# specimen: 12_thread_server python right
# expect: pass
# gap: none
# cause: -
# shows: after EBADF from accept() it goes on, and drops no client
import errno
import socket
import time
import socketserver
import threading


class Counter(socketserver.StreamRequestHandler):
    lock = threading.Lock()
    lines = 0

    def handle(self):
        try:
            while True:
                line = self.rfile.readline()
                if not line.endswith(b"\n"):
                    return
                with Counter.lock:
                    Counter.lines += 1
                    number = Counter.lines
                self.request.sendall(b"%d\n" % number)
        except OSError:
            pass

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 50

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
    with Server(address, Counter) as server:
        server.serve_forever()
