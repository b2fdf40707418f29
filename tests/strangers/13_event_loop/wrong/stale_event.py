# expect: fail
# gap: other
# cause: A client that is dropped while a line is passed on may have an event of its own later in the same batch; it is handled all the same, its socket is closed and no longer registered, and unregistering it again raises an exception that nobody expects: the server ends.
# shows: A client resets its connection at the moment when another one speaks (both are in one answer of select()): the server dies.
# says: uses a descriptor that was closed
import errno
import selectors
import socket
import time

LIMIT = 4096
QUEUE = 65536


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


class Peer:
    __slots__ = ("sock", "inbuf", "outbuf")

    def __init__(self, sock):
        self.sock = sock
        self.inbuf = bytearray()
        self.outbuf = bytearray()


class ChatServer:
    def __init__(self, listener):
        self.listener = listener
        self.peers = set()
        self.sel = selectors.DefaultSelector()
        self.sel.register(listener, selectors.EVENT_READ)

    def accept(self):
        try:
            sock, _addr = self.listener.accept()
        except OSError as e:
            if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            if e.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                time.sleep(0.01)
            return
        sock.setblocking(False)
        peer = Peer(sock)
        self.peers.add(peer)
        self.sel.register(sock, selectors.EVENT_READ, peer)

    def drop(self, peer):
        self.sel.unregister(peer.sock)
        self.peers.discard(peer)
        peer.sock.close()

    def write(self, peer):
        try:
            n = peer.sock.send(peer.outbuf)
        except BlockingIOError:
            n = 0
        del peer.outbuf[:n]
        events = selectors.EVENT_READ
        if peer.outbuf:
            events |= selectors.EVENT_WRITE
        self.sel.modify(peer.sock, events, peer)

    def broadcast(self, sender, line):
        for peer in list(self.peers):
            if peer is sender:
                continue
            peer.outbuf += line
            try:
                self.write(peer)
            except OSError:
                self.drop(peer)
                continue
            if len(peer.outbuf) > QUEUE:
                self.drop(peer)

    def read(self, peer):
        try:
            data = peer.sock.recv(8192)
        except BlockingIOError:
            return
        if not data:
            self.drop(peer)
            return
        peer.inbuf += data
        while (end := peer.inbuf.find(b"\n", 0, LIMIT + 1)) >= 0:
            line = bytes(peer.inbuf[:end + 1])
            del peer.inbuf[:end + 1]
            self.broadcast(peer, line)
        if len(peer.inbuf) > LIMIT:
            self.drop(peer)

    def run(self):
        while True:
            for key, mask in self.sel.select():
                peer = key.data
                if peer is None:
                    self.accept()
                    continue
                try:
                    if mask & selectors.EVENT_WRITE:
                        self.write(peer)
                    if mask & selectors.EVENT_READ:
                        self.read(peer)
                except OSError:
                    self.drop(peer)


def serve(port: str) -> None:
    with _listener(port) as listener:
        listener.setblocking(False)
        server = ChatServer(listener)
        try:
            server.run()
        finally:
            for peer in server.peers:
                peer.sock.close()
            server.sel.close()
