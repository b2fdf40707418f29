# expect: fail
# gap: other
# cause: The parent calls shutdown() on its copy of the connection before it closes it; shutdown() acts on the connection itself, which the child shares, and so the client is cut off.
# shows: Any client: it sees end-of-file at once, or its child cannot answer any more.
# says: shutdown() in the parent
import errno
import os
import signal
import socket
import time


def _listener(port):
    failure = OSError(errno.EADDRNOTAVAIL, "no address to listen on")
    for family, kind, proto, _name, where in socket.getaddrinfo(
            None, port, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
        sock = None
        try:
            sock = socket.socket(family, kind, proto)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(where)
            sock.listen(128)
            return sock
        except OSError as exc:
            failure = exc
            if sock is not None:
                sock.close()
    raise failure


class ForkServer:
    def __init__(self, port):
        self.sock = _listener(port)
        self.active = set()

    def collect(self):
        for pid in list(self.active):
            try:
                done, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                done = pid
            if done:
                self.active.remove(pid)

    def get_request(self):
        while True:
            try:
                return self.sock.accept()[0]
            except OSError as e:
                if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                if e.errno != errno.ECONNABORTED:
                    time.sleep(0.02)

    def shutdown_request(self, request):
        try:
            request.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        request.close()

    def finish_request(self, request):
        while data := request.recv(8192):
            request.sendall(data)

    def process_request(self, request):
        pid = os.fork()
        if pid:
            self.active.add(pid)
            self.shutdown_request(request)
            return
        status = 1
        try:
            self.sock.close()
            self.finish_request(request)
            self.shutdown_request(request)
            status = 0
        finally:
            os._exit(status)

    def serve_forever(self):
        try:
            while True:
                request = self.get_request()
                self.collect()
                try:
                    self.process_request(request)
                except OSError:
                    self.shutdown_request(request)  # no process for it
        finally:
            self.sock.close()
            self.collect()
            for pid in self.active:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def serve(port: str) -> None:
    ForkServer(port).serve_forever()
