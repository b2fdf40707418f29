# specimen: 10_echo_server python wrong
# expect: fail
# gap: short-send
# cause: The conversation ends as soon as end-of-file is read, although bytes still wait to be sent: the end of the echo is lost.
# shows: A client that sends several MiB and half-closes, but reads slowly.
# says: were never sent
import errno
import selectors
import socket

HOPELESS = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}
AHEAD = 256 * 1024  # bytes that may wait for a client before it is no longer read from


def listening_on(port):
    problem = None
    for *_, address in socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
        try:
            return socket.create_server(address, backlog=200)
        except OSError as e:
            problem = e
    raise problem


def conversation(sock):
    """Yields the events to wait for, is sent the events that have come."""
    waiting = bytearray()
    hearing = True
    while hearing:
        wanted = 0
        if hearing and len(waiting) < AHEAD:
            wanted |= selectors.EVENT_READ
        if waiting:
            wanted |= selectors.EVENT_WRITE
        come = yield wanted
        if come & selectors.EVENT_READ:
            try:
                data = sock.recv(65536)
            except BlockingIOError:
                pass
            else:
                waiting += data
                hearing = bool(data)
        if come & selectors.EVENT_WRITE:
            try:
                del waiting[: sock.send(waiting)]
            except BlockingIOError:
                pass


class Loop:
    def __init__(self, listener):
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.open = set()

    def step(self, sock, talk, come):
        try:
            wanted = talk.send(come)
            if come is None:
                self.selector.register(sock, wanted, talk)
                self.open.add(sock)
            elif wanted != self.selector.get_key(sock).events:
                self.selector.modify(sock, wanted, talk)
        except (StopIteration, OSError, KeyError):
            self.end(sock)

    def end(self, sock):
        self.open.discard(sock)
        try:
            self.selector.unregister(sock)
        except (KeyError, ValueError, OSError):
            pass
        try:
            sock.close()
        except OSError:
            pass

    def accept(self):
        """False when it should not be tried for a moment"""
        try:
            sock, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return True
        except OSError as e:
            if e.errno in HOPELESS:
                raise
            return False
        try:
            sock.setblocking(False)
        except OSError:
            sock.close()
            return True
        self.step(sock, conversation(sock), None)
        return True

    def run(self):
        self.listener.setblocking(False)
        with self.selector:
            try:
                listening = False
                while True:
                    if not listening:
                        self.selector.register(self.listener, selectors.EVENT_READ)
                        listening = True
                    for key, come in self.selector.select():
                        if key.data is not None:
                            self.step(key.fileobj, key.data, come)
                        elif not self.accept():
                            self.selector.unregister(self.listener)
                            listening = False
                    if not listening:
                        self.others_for_a_moment()
            finally:
                for sock in list(self.open):
                    self.end(sock)

    def others_for_a_moment(self):
        for key, come in self.selector.select(0.02):
            self.step(key.fileobj, key.data, come)


def serve(port):
    with listening_on(port) as listener:
        Loop(listener).run()
