# expect: pass
# gap: none
# cause: none; selectors, a class for each member, interest in writing only while something is queued, the listener set aside for a moment while descriptors lack
# shows: nothing to see
import collections
import errno
import selectors
import socket
import time

LINE = 4096             # bytes before the newline
QUEUE = 65536
FATAL = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Member:
    def __init__(self, room, sock):
        self.room = room
        self.sock = sock
        self.heard = bytearray()
        self.queue = collections.deque()
        self.queued = 0
        self.interest = READ
        self.here = True

    def leave(self):
        if not self.here:
            return
        self.here = False
        self.room.members.discard(self)
        self.room.selector.unregister(self.sock)
        self.queue.clear()
        self.queued = 0
        try:
            self.sock.close()
        except OSError:
            pass

    def want(self):
        interest = READ | WRITE if self.queue else READ
        if interest != self.interest:
            self.interest = interest
            self.room.selector.modify(self.sock, interest, self)

    def flush(self):
        """Hand the kernel what it takes; False when the connection is lost."""
        while self.queue:
            head = self.queue[0]
            try:
                n = self.sock.send(head, socket.MSG_NOSIGNAL)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                return False
            self.queued -= n
            if n == len(head):
                self.queue.popleft()
            else:
                self.queue[0] = head[n:]
        return True

    def tell(self, line):
        if not self.flush():
            self.leave()
            return
        view = memoryview(line)
        if not self.queue:
            try:
                view = view[self.sock.send(view, socket.MSG_NOSIGNAL):]
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                self.leave()
                return
        if self.queued + len(view) > QUEUE:
            self.leave()
            return
        if view:
            self.queue.append(view)
            self.queued += len(view)
        self.want()

    def writable(self):
        if self.flush():
            self.want()
        else:
            self.leave()

    def readable(self):
        try:
            chunk = self.sock.recv(4096)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.leave()
            return
        self.heard += chunk
        while (end := self.heard.find(b"\n")) >= 0:
            if end > LINE:
                break
            line = bytes(self.heard[:end + 1])
            del self.heard[:end + 1]
            self.room.broadcast(line, self)
        if len(self.heard) > LINE:
            self.leave()


class Room:
    def __init__(self, listener):
        self.selector = selectors.DefaultSelector()
        self.members = set()
        self.listener = listener
        self.resume_at = None
        try:
            self.selector.register(listener, READ, None)
        except BaseException:
            self.selector.close()
            raise

    def broadcast(self, line, sender):
        for member in tuple(self.members):
            if member is not sender and member.here:
                member.tell(line)

    def admit(self):
        try:
            sock, _ = self.listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno in FATAL:
                raise
            self.selector.unregister(self.listener)
            self.resume_at = time.monotonic() + 0.05
            return
        try:
            sock.setblocking(False)
            member = Member(self, sock)
            self.selector.register(sock, READ, member)
        except OSError:
            sock.close()
            return
        self.members.add(member)

    def run(self):
        try:
            while True:
                wait = None
                if self.resume_at is not None:
                    wait = self.resume_at - time.monotonic()
                    if wait <= 0:
                        self.selector.register(self.listener, READ, None)
                        self.resume_at = wait = None
                for key, events in self.selector.select(wait):
                    member = key.data
                    if member is None:
                        self.admit()
                        continue
                    if events & WRITE and member.here:
                        member.writable()
                    if events & READ and member.here:
                        member.readable()
        finally:
            for member in tuple(self.members):
                member.leave()
            self.selector.close()


def serve(port: str) -> None:
    failure = None
    for family, kind, proto, _, address in socket.getaddrinfo(
            None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE):
        try:
            listener = socket.socket(family, kind, proto)
        except OSError as error:
            failure = error
            continue
        with listener:
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(address)
                listener.listen(128)
                listener.setblocking(False)
            except OSError as error:
                failure = error
                continue
            Room(listener).run()
    raise failure
