# expect: fail
# gap: path-traversal
# cause: The real path is compared with the root as text, without the slash behind it.
# shows: A folder beside the root whose name begins with that of the root.
# says: is answered 200; expected 404
"""A server of HTTP/1.1 upon the standard library's socketserver."""

import contextlib
import os
import re
import shutil
import socket
import socketserver
import time
import wsgiref.handlers
from urllib.parse import unquote

METHODS = {"GET", "HEAD"}


class TooLong(Exception):
    """A header beyond the limit."""


class Connection(socketserver.BaseRequestHandler):
    """A client, in a thread of its own."""

    def handle(self) -> None:
        self.kept = b""
        with contextlib.suppress(OSError, EOFError):
            while self.one_request():
                pass
            self.request.shutdown(socket.SHUT_WR)
            until = time.monotonic() + self.server.seconds
            while True:
                self.receive(until)

    def receive(self, until: float) -> bytes:
        """Some bytes; EOFError at the end, TimeoutError at that moment."""
        left = until - time.monotonic()
        self.request.settimeout(max(left, 1e-6))
        data = self.request.recv(8192)
        if not data:
            raise EOFError
        return data

    def soon(self) -> float:
        return time.monotonic() + self.server.seconds

    def header(self) -> str:
        if not self.kept:
            self.kept = self.receive(self.soon())
        until = self.soon()
        while True:
            header, end, rest = self.kept.partition(b"\r\n\r\n")
            if len(header + end) > 8192:
                raise TooLong
            if end:
                self.kept = rest
                return header.decode("latin-1")
            self.kept += self.receive(until)

    def one_request(self) -> bool:  # noqa: PLR0911 - one for each thing that is wrong
        """Answer a request; whether there may be another."""
        try:
            lines = self.header().split("\r\n")
        except TooLong:
            self.say(431)
            return False
        line = re.fullmatch(r"([^ ]+) ([^ ]+) HTTP/([0-9])[.]([0-9])", lines[0])
        if line is None:
            self.say(400)
            return False
        method, target, major, minor = line.groups()
        if major != "1":
            self.say(505)
            return False
        fields = [re.fullmatch(r"([^:\s]+):\s*(.*?)\s*", text) for text in lines[1:]]
        if None in fields:
            self.say(400)
            return False
        found = [(field[1].lower(), field[2]) for field in fields]
        hosts = [value for name, value in found if name == "host"]
        lengths = {value for name, value in found if name == "content-length"}
        if len(hosts) != 1 and (hosts or minor != "0"):
            self.say(400)
            return False
        if len(lengths) > 1 or not all(re.fullmatch("[0-9]{1,16}", value) for value in lengths):
            self.say(400)
            return False
        if any(name == "transfer-encoding" for name, _ in found):
            self.say(501)
            return False
        length = int(lengths.pop()) if lengths else 0
        while length > len(self.kept):
            length -= len(self.kept)
            self.kept = b""
            self.kept = self.receive(self.soon())
        self.kept = self.kept[length:]
        stays = minor != "0" and not any(n == "connection" and v.lower() == "close" for n, v in found)
        if method not in METHODS:
            self.say(405, {"Allow": "HEAD, GET"})
            return stays
        try:
            self.tell(self.path(target), method == "GET")
        except FileNotFoundError:
            self.say(404)
        return stays

    def path(self, target: str) -> str:
        name = unquote(target.split("?", maxsplit=1)[0], encoding="latin-1").encode("latin-1")
        with contextlib.suppress(OSError, ValueError):
            path = os.path.realpath(self.server.root + b"/" + name, strict=True)
            if path.startswith(self.server.root) and os.path.isfile(path):
                return path
        raise FileNotFoundError(target)

    def tell(self, path: str, whole: bool) -> None:
        try:
            file = open(path, "rb")  # noqa: SIM115 - what fails here is no file
        except OSError:
            raise FileNotFoundError(path) from None
        with file, self.request.makefile("wb") as out:
            self.say(200, {"Content-Length": os.fstat(file.fileno()).st_size})
            if whole:
                shutil.copyfileobj(file, out)

    def say(self, status: int, fields: dict | None = None) -> None:
        self.request.settimeout(None)
        text = f"HTTP/1.1 {status} So\r\n"
        date = wsgiref.handlers.format_date_time(time.time())
        for name, value in ({"Date": date, "Content-Length": 0} | (fields or {})).items():
            text += f"{name}: {value}\r\n"
        self.request.sendall(text.encode() + b"\r\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def get_request(self):
        try:
            return super().get_request()
        except OSError:
            time.sleep(0.02)
            raise

    def handle_error(self, request, client_address) -> None:
        pass  # one client less

    def shutdown_request(self, request) -> None:
        request.close()


def serve(port: str, root: str, seconds: float) -> None:
    """Serve the files under root until the process ends."""
    if seconds < 0:
        raise ValueError("no time is less than none")
    with os.scandir(root):
        pass
    address = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][4]
    with Server(address, Connection) as server:
        server.root = os.path.realpath(os.fsencode(root))
        server.seconds = seconds
        server.serve_forever()
