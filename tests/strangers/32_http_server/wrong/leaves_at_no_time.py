# expect: fail
# gap: other
# cause: After a refusal each byte that comes gives the client the whole time anew.
# shows: A refused client that goes on sending, slowly.
# says: the connection of erin is still open, although its time was up
"""A server of HTTP/1.1 around one selector: each client is a generator that says what
it waits for, and until when."""

import errno
import os
import re
import selectors
import socket
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import unquote_to_bytes

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
HEADER_END = re.compile(rb"\r\n\r\n")
LINE = re.compile(rb"(\S+) (\S+) HTTP/(\d)\.(\d)\r\n(.*)\r\n", re.DOTALL)
#: What a client waits for, and the moment when that is over (None: never).
Wish = tuple[int, float | None]


class Gone(Exception):
    """The connection is to be closed, and that is all."""


class Client:
    def __init__(self, sock: socket.socket, root: bytes, seconds: float) -> None:
        sock.setblocking(False)
        self.sock, self.root, self.seconds = sock, root, seconds
        self.data = bytearray()
        self.story = self.conversation()
        self.wish: Wish = (READ, time.monotonic() + seconds)

    # Each of these is a generator: it yields wishes, and goes on when one is fulfilled.

    def receive(self, until: float) -> Iterator[Wish]:
        while True:
            yield READ, until
            try:
                piece = self.sock.recv(32768)
            except BlockingIOError:
                continue
            if not piece:
                raise Gone
            self.data += piece
            return

    def send(self, data: bytes) -> Iterator[Wish]:
        view = memoryview(data)
        while view:
            try:
                view = view[self.sock.send(view) :]
            except BlockingIOError:
                yield WRITE, None

    def header(self) -> Iterator[Wish]:
        if not self.data:
            yield from self.receive(time.monotonic() + self.seconds)
        until = time.monotonic() + self.seconds
        while True:
            end = HEADER_END.search(self.data)
            if end and end.end() <= 8192:
                header = bytes(self.data[: end.end()])
                del self.data[: end.end()]
                return header
            if len(self.data) > 8192:
                return None
            yield from self.receive(until)

    def skip(self, length: int) -> Iterator[Wish]:
        while length > 0:
            if not self.data:
                yield from self.receive(time.monotonic() + self.seconds)
            taken = min(length, len(self.data))
            del self.data[:taken]
            length -= taken

    def answer(self, status: int, is_last: bool, fd: int = -1, head_only: bool = False) -> Iterator[Wish]:
        size = os.fstat(fd).st_size if fd >= 0 else 0
        yield from self.send(
            b"HTTP/1.1 %d \r\nContent-Length: %d\r\nDate: %s\r\nAllow: GET,HEAD\r\n%s\r\n"
            % (
                status,
                size,
                format_datetime(datetime.now(UTC), usegmt=True).encode(),
                b"Connection: close\r\n" if is_last else b"",
            )
        )
        while size > 0 and not head_only:
            piece = os.read(fd, min(size, 65536))
            if not piece:
                raise Gone
            size -= len(piece)
            yield from self.send(piece)

    def conversation(self) -> Iterator[Wish]:
        """All that happens on a connection."""
        is_last = False
        while not is_last:
            header = yield from self.header()
            status, is_head, target, length, is_last = (431, False, b"", 0, True) if header is None else read(header)
            if status in (200, 405):
                yield from self.skip(length)
            fd = find(self.root, target) if status == 200 else -1
            try:
                yield from self.answer(404 if status == 200 and fd < 0 else status, is_last, fd, is_head)
            finally:
                if fd >= 0:
                    os.close(fd)
        self.sock.shutdown(socket.SHUT_WR)
        while True:
            self.data.clear()
            yield from self.receive(time.monotonic() + self.seconds)

    def goes_on(self) -> bool:
        """Let it do what it can do now; whether it waits again."""
        try:
            self.wish = next(self.story)
        except (OSError, Gone, StopIteration):
            return False
        return True


def read(  # noqa: PLR0911 - one for each thing that is wrong
    header: bytes,
) -> tuple[int, bool, bytes, int, bool]:
    """Status, whether HEAD, target, length of the body, whether it is the last."""
    line = LINE.fullmatch(header)
    if not line:
        return 400, False, b"", 0, True
    method, target, major, minor, rest = line.groups()
    if major != b"1":
        return 505, False, b"", 0, True
    fields = [field.partition(b":") for field in rest.split(b"\r\n") if field]
    if any(not colon or not name.strip() or name != name.strip() for name, colon, _ in fields):
        return 400, False, b"", 0, True

    def of(name: bytes) -> list[bytes]:
        return [value.strip(b" \t") for key, _, value in fields if key.lower() == name]

    hosts, lengths = of(b"host"), set(of(b"content-length"))
    if len(hosts) > 1 or (minor != b"0" and not hosts):
        return 400, False, b"", 0, True
    if len(lengths) > 1 or any(not re.fullmatch(rb"[0-9]{1,15}", text) for text in lengths):
        return 400, False, b"", 0, True
    if of(b"transfer-encoding"):
        return 501, False, b"", 0, True
    is_last = minor == b"0" or any(b"close" in value.lower() for value in of(b"connection"))
    status = 200 if method in (b"GET", b"HEAD") else 405
    return status, method == b"HEAD", target, int((lengths or {b"0"}).pop()), is_last


def find(root: bytes, target: bytes) -> int:
    """A descriptor of the file, -1 if there is none."""
    name = unquote_to_bytes(target.split(b"?", 1)[0]).lstrip(b"/")
    if b"\0" in name:
        return -1
    path = os.path.realpath(os.path.join(root, name))
    if os.path.commonpath([root, path]) != root:
        return -1
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return -1
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    return -1


class Server:
    def __init__(self, listener: socket.socket, selector: selectors.BaseSelector, root: bytes, seconds: float) -> None:
        self.listener, self.selector, self.root, self.seconds = listener, selector, root, seconds
        self.pause = 0.0  # until when nobody is accepted
        selector.register(listener, READ)

    def admit(self) -> None:
        try:
            sock, _ = self.listener.accept()
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            if not isinstance(error, BlockingIOError):
                self.selector.unregister(self.listener)
                self.pause = time.monotonic() + 0.02
            return
        client = Client(sock, self.root, self.seconds)
        self.selector.register(sock, READ, client)
        self.step(client)

    def step(self, client: Client) -> None:
        if client.goes_on():
            self.selector.modify(client.sock, client.wish[0], client)
        else:
            self.drop(client)

    def drop(self, client: Client) -> None:
        self.selector.unregister(client.sock)
        client.story.close()
        client.sock.close()

    def turn(self) -> None:
        clients = [key.data for key in self.selector.get_map().values() if key.data]
        moments = [client.wish[1] for client in clients if client.wish[1] is not None]
        if self.pause:
            moments.append(self.pause)
        left = max(0, min(moments) - time.monotonic()) if moments else None
        for key, _ in self.selector.select(left):
            self.step(key.data) if key.data else self.admit()
        now = time.monotonic()
        for key in list(self.selector.get_map().values()):
            if key.data and key.data.wish[1] is not None and key.data.wish[1] <= now:
                self.drop(key.data)
        if self.pause and self.pause <= now:
            self.pause = 0.0
            self.selector.register(self.listener, READ)


def serve(port: str, root: str, seconds: float) -> None:
    """Serve the files under root until the process ends."""
    if seconds < 0:
        raise ValueError(seconds)
    folder = os.path.realpath(os.fsencode(root), strict=True)
    if not os.path.isdir(folder):
        raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    info = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0]
    with socket.socket(*info[:3]) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(info[4])
        listener.listen(128)
        listener.setblocking(False)
        with selectors.DefaultSelector() as selector:
            server = Server(listener, selector, folder, seconds)
            try:
                while True:
                    server.turn()
            finally:
                for key in list(selector.get_map().values()):
                    if key.data:
                        server.drop(key.data)
