"""A tapping relay in one thread: everybody's sockets behind one selector."""

import collections
import errno
import os
import selectors
import socket

MOST = 65536
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class End:
    """One connection of a talk, and what is to go out on it."""

    def __init__(self, sock, mark):
        sock.setblocking(False)
        self.sock = sock
        self.mark = mark
        self.queue = collections.deque()
        self.size = 0
        self.is_heard = False  # to its end
        self.is_closing = False  # nothing is added to the queue any more
        self.is_closed = False

    def flush(self):
        while self.queue:
            sent = self.sock.send(self.queue[0])
            self.size -= sent
            if sent < len(self.queue[0]):
                self.queue[0] = self.queue[0][sent:]
            else:
                self.queue.popleft()
        if self.is_closing and not self.is_closed:
            self.is_closed = True
            self.sock.shutdown(socket.SHUT_WR)


class Talk:
    def __init__(self, relay, number, sock):
        self.relay = relay
        self.number = number
        self.client = End(sock, ">")
        self.target = None
        self.addresses = iter(relay.addresses)
        self.try_next()

    # --- connecting

    def try_next(self):
        for family, kind, protocol, _, address in self.addresses:
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError:
                continue
            sock.setblocking(False)
            error = sock.connect_ex(address)
            if error in (0, errno.EINPROGRESS):
                self.target = End(sock, "<")
                self.relay.selector.register(sock, WRITE, self.connected)
                return
            sock.close()
        self.finish()

    def connected(self, _):
        self.relay.selector.unregister(self.target.sock)
        if self.target.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.target.sock.close()
            self.target = None
            self.try_next()
        else:
            self.watch()

    # --- talking

    def note(self, end, what):
        os.write(self.relay.log, b"%d %s %s\n" % (self.number, end.mark.encode(), what.encode()))

    def watch(self):
        """Tell the selector what this talk waits for now."""
        selector = self.relay.selector
        for end, other in (self.client, self.target), (self.target, self.client):
            events = (0 if end.is_heard or other.size >= MOST else READ) | (WRITE if end.queue else 0)
            if end.sock in selector.get_map():
                selector.unregister(end.sock)
            if events:
                selector.register(end.sock, events, lambda mask, end=end, other=other: self.turn(mask, end, other))

    def turn(self, mask, end, other):
        try:
            if mask & READ:
                self.hear(end, other)
            if mask & WRITE:
                self.send(end)
        except BrokenPipeError:  # said by lose()
            self.finish()
        except OSError:  # of the log
            self.finish()
        else:
            if self.client.is_closed and self.target.is_closed:
                self.finish()
            else:
                self.watch()

    def hear(self, end, other):
        try:
            data = end.sock.recv(MOST - other.size)
        except BlockingIOError:
            return
        except OSError:
            self.lose(end)
        if data:
            self.note(end, f"{len(data)} {data.hex()}")
            other.queue.append(data)
            other.size += len(data)
        else:
            self.note(end, "eof")
            end.is_heard = other.is_closing = True
        self.send(other)

    def send(self, end):
        try:
            end.flush()
        except BlockingIOError:
            pass
        except OSError:
            self.lose(end)

    def lose(self, end):
        if not end.is_heard:
            self.note(end, "reset")
        raise BrokenPipeError

    def finish(self):
        for end in filter(None, (self.client, self.target)):
            if end.sock in self.relay.selector.get_map():
                self.relay.selector.unregister(end.sock)
            end.sock.close()


class Relay:
    def __init__(self, listener, addresses, log, selector):
        self.listener = listener
        self.addresses = addresses
        self.log = log
        self.selector = selector
        self.count = 0

    def run(self):
        self.listener.setblocking(False)
        self.selector.register(self.listener, READ, self.accept)
        while True:
            is_resting = self.listener not in self.selector.get_map()
            for key, mask in self.selector.select(0.01 if is_resting else None):
                if key.fileobj.fileno() != -1:  # closed for another one's sake
                    key.data(mask)
            if is_resting:
                self.selector.register(self.listener, READ, self.accept)

    def accept(self, _):
        try:
            sock, _ = self.listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            self.selector.unregister(self.listener)
            return
        self.count += 1
        Talk(self, self.count, sock)

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def serve(port: str, host: str, service: str, log: str) -> None:
    addresses = socket.getaddrinfo(host, service, type=socket.SOCK_STREAM)
    own = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0]
    with socket.socket(*own[:3]) as listener, selectors.DefaultSelector() as selector:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(own[4])
        listener.listen(100)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        relay = Relay(listener, addresses, file, selector)
        try:
            relay.run()
        finally:
            relay.close()
            os.close(file)
