"""A server of HTTP/1.1: the files under a folder, a thread for each client."""

import errno
import os
import re
import socket
import threading
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import BinaryIO, NamedTuple
from urllib.parse import unquote_to_bytes

LONGEST_HEADER = 8192
PIECE = 65536
REQUEST_LINE = re.compile(rb"([!-~]+) (/[!-\xff]*|\*) HTTP/([0-9])\.([0-9])")
FIELD = re.compile(rb"([!#-'*+.^_`|~0-9A-Za-z-]+):(.*)", re.DOTALL)
LENGTH = re.compile(rb"[0-9]{1,18}")


def listen_on(port: str) -> socket.socket:
    """Listen on port, on every IPv4 address of this machine."""
    candidates = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    for family, kind, protocol, _, address in candidates:
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(100)
            return listener
        except OSError as refusal:
            error = refusal
            listener.close()
    raise error


class Refused(Exception):
    """A request that is answered with nothing but a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Request(NamedTuple):
    """What the header of a request says."""

    method: bytes
    target: bytes
    length: int  # of the body
    is_last: bool


def parsed(header: bytes) -> Request:
    """Read a header, which is whole.

    Raises:
        Refused: it is none, or asks for what this server does not have.
    """
    line, *fields = header[: -len(b"\r\n\r\n")].split(b"\r\n")
    request = REQUEST_LINE.fullmatch(line)
    if request is None:
        raise Refused(400)
    method, target, major, minor = request.groups()
    if major != b"1":
        raise Refused(505)
    values: dict[bytes, list[bytes]] = {}
    for text in fields:
        field = FIELD.fullmatch(text)
        if field is None:
            raise Refused(400)
        values.setdefault(field[1].lower(), []).append(field[2].strip(b" \t"))
    hosts, lengths = values.get(b"host", []), set(values.get(b"content-length", [b"0"]))
    if len(hosts) > 1 or (not hosts and minor != b"0"):
        raise Refused(400)
    if len(lengths) > 1 or not all(map(LENGTH.fullmatch, lengths)):
        raise Refused(400)
    if b"transfer-encoding" in values:
        raise Refused(501)
    options = b",".join(values.get(b"connection", [])).lower().split(b",")
    is_last = minor == b"0" or b"close" in map(bytes.strip, options)
    return Request(method, target, int(lengths.pop()), is_last)


def opened(root: bytes, target: bytes) -> BinaryIO:
    """Open the regular file under root that a target names.

    Raises:
        OSError: there is none.
        ValueError: it is no name.
    """
    name = unquote_to_bytes(target.partition(b"?")[0])
    path = os.path.realpath(root + b"/" + name)
    if not path.startswith(os.path.join(root, b"")):
        raise FileNotFoundError
    if not os.path.isfile(path):
        raise FileNotFoundError  # a FIFO would wait for its writer
    return open(path, "rb")


class Client:
    """A connection, and what has come on it and is not used yet."""

    def __init__(self, sock: socket.socket, root: bytes, seconds: float) -> None:
        self.sock = sock
        self.root = root
        self.seconds = seconds
        self.unread = b""

    def receive(self, until: float) -> bool:
        """Receive once; False at end-of-file.

        Raises:
            TimeoutError: nothing has come until then.
        """
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        data = self.sock.recv(PIECE)
        self.unread += data
        return bool(data)

    def next_header(self) -> bytes:
        """The header of the next request, its empty line included; b"" at the end."""
        until = time.monotonic() + self.seconds
        if not self.unread:
            if not self.receive(until):
                return b""
            until = time.monotonic() + self.seconds  # counts from the first byte
        while (end := self.unread.find(b"\r\n\r\n", 0, LONGEST_HEADER)) == -1:
            if len(self.unread) >= LONGEST_HEADER:
                raise Refused(431)
            if not self.receive(until):
                return b""
        end += len(b"\r\n\r\n")
        header, self.unread = self.unread[:end], self.unread[end:]
        return header

    def skip(self, length: int) -> None:
        """Pass over a body.

        Raises:
            EOFError: it ends before its time.
        """
        while length > len(self.unread):
            length -= len(self.unread)
            self.unread = b""
            if not self.receive(time.monotonic() + self.seconds):
                raise EOFError
        self.unread = self.unread[length:]

    def send_header(self, status: int, size: int, is_last: bool, more: bool) -> None:
        """Begin an answer; more says that its body is about to follow."""
        fields = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        fields += [f"Date: {formatdate(usegmt=True)}", f"Content-Length: {size}"]
        fields += ["Allow: GET, HEAD"] if status == 405 else []
        fields += ["Connection: close"] if is_last else []
        self.sock.settimeout(None)  # a client may read as slowly as it likes
        text = "".join(f"{field}\r\n" for field in [*fields, ""])
        self.sock.sendall(text.encode(), socket.MSG_MORE if more else 0)

    def send_body(self, file: BinaryIO, size: int) -> None:
        """Send as much of a file as was announced.

        Raises:
            EOFError: it has become shorter.
        """
        while size > 0:
            data = file.read(min(size, PIECE))
            if not data:
                raise EOFError
            self.sock.sendall(data)
            size -= len(data)

    def answer(self, request: Request) -> None:
        """Answer a request that is well formed."""
        if request.method not in (b"GET", b"HEAD"):
            self.send_header(405, 0, request.is_last, False)
            return
        try:
            file = opened(self.root, request.target)
        except (OSError, ValueError):
            self.send_header(404, 0, request.is_last, False)
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            has_body = request.method == b"GET" and size > 0
            self.send_header(200, size, request.is_last, has_body)
            if has_body:
                self.send_body(file, size)

    def serve(self) -> None:
        """Answer requests, until one that is the last."""
        is_last = False
        while not is_last:
            try:
                header = self.next_header()
                if not header:
                    return
                request = parsed(header)
                self.skip(request.length)
                is_last = request.is_last
                self.answer(request)
            except Refused as refusal:
                is_last = True
                self.send_header(refusal.status, 0, is_last, False)

    def take_leave(self) -> None:
        """Half-close, and read on for a while: close() with bytes unread would send
        a reset, and that takes the answer with it."""
        self.sock.shutdown(socket.SHUT_WR)
        until = time.monotonic() + self.seconds
        while self.receive(until):
            self.unread = b""


def attend(sock: socket.socket, root: bytes, seconds: float) -> None:
    """Be a client's thread."""
    client = Client(sock, root, seconds)
    try:
        client.serve()
        client.take_leave()
    except (OSError, EOFError):
        pass  # this client is gone, or its time is up
    finally:
        sock.close()


def serve(port: str, root: str, seconds: float) -> None:
    """Serve the files under root until the process ends.

    Args:
        seconds: how long a header may take, and a connection be idle.

    Raises:
        ValueError: seconds is negative.
        socket.gaierror: the service is unknown.
        OSError: root is no folder, the port cannot be had, or is lost.
    """
    if seconds < 0:
        raise ValueError(f"a time of {seconds} seconds")
    folder = os.path.realpath(os.fsencode(root), strict=True)
    if not os.path.isdir(folder):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), root)
    with listen_on(port) as listener:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.01)  # descriptors may lack for a while
                continue
            try:
                threading.Thread(target=attend, args=(sock, folder, seconds), daemon=True).start()
            except RuntimeError:
                sock.close()  # no thread for this client: it is lost
