# expect: pass
# gap: none
# cause: asyncio.Protocol: callbacks, a timer of the loop for every deadline, and paused writing.
# shows: No coroutine reads; what has come is looked at when it comes.
import asyncio
import errno
import os
import socket
from email.utils import formatdate
from urllib.parse import unquote_to_bytes

NAMES = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
         408: "Request Timeout", 431: "Headers Too Large", 501: "Not Implemented", 505: "Bad Version"}


class Http(asyncio.Protocol):
    def __init__(self, root, seconds):
        self.root, self.seconds = root, seconds
        self.data = b""
        self.request = None
        self.body = 0
        self.file = None
        self.left = 0
        self.timer = None
        self.busy = False      # an answer is on its way
        self.leaving = False
        self.ended = False

    # --- time

    def set_timer(self):
        self.stop_timer()
        self.timer = asyncio.get_running_loop().call_later(self.seconds, self.time_is_up)

    def stop_timer(self):
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def time_is_up(self):
        self.transport.abort() if self.leaving else self.transport.close()

    # --- what the loop tells

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(0)
        self.paused = False
        self.set_timer()

    def connection_lost(self, error):
        self.stop_timer()
        if self.file is not None:
            self.file.close()

    def eof_received(self):
        self.ended = True
        self.work()
        return True

    def data_received(self, data):
        if self.leaving:
            return
        if not self.busy and (not self.data or self.request):
            self.set_timer()
        self.data += data
        if self.busy and len(self.data) > 100000:
            self.transport.pause_reading()
        self.work()

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        self.paused = False
        self.pump()

    # --- requests

    def work(self):
        while not self.busy and not self.leaving:
            if self.request is None and not self.begin():
                break
            if self.request is None:
                continue
            taken = min(self.body, len(self.data))
            self.data, self.body = self.data[taken:], self.body - taken
            if self.body:
                break
            self.finish()
        if self.ended and not self.busy:
            self.transport.close()

    def begin(self):
        """Take a header; whether there was one."""
        end = self.data.find(b"\r\n\r\n")
        if end + 4 > 8192 or (end < 0 and len(self.data) > 8192):
            self.refuse(431)
            return True
        if end < 0:
            return False
        header, self.data = self.data[:end], self.data[end + 4:]
        first, *lines = header.split(b"\r\n")
        words = first.split(b" ")
        if len(words) != 3 or not words[0] or not words[1]:
            self.refuse(400)
            return True
        protocol, slash, version = words[2].partition(b"/")
        major, dot, minor = version.partition(b".")
        if protocol != b"HTTP" or not major.isdigit() or not minor.isdigit() or not dot:
            self.refuse(400)
            return True
        if major != b"1":
            self.refuse(505)
            return True
        last, hosts, lengths, coded = minor == b"0", 0, set(), False
        for line in lines:
            name, colon, value = line.partition(b":")
            name, value = name.lower(), value.strip()
            if not colon or not name or name.split() != [name]:
                self.refuse(400)
                return True
            hosts += name == b"host"
            coded |= name == b"transfer-encoding"
            last |= name == b"connection" and value.lower() == b"close"
            if name == b"content-length":
                lengths.add(value)
        if hosts > 1 or (not hosts and minor != b"0") or len(lengths) > 1:
            self.refuse(400)
        elif lengths and not (min(lengths).isdigit() and len(min(lengths)) < 19):
            self.refuse(400)
        elif coded:
            self.refuse(501)
        else:
            self.request = (words[0], words[1], last)
            self.body = int(lengths.pop()) if lengths else 0
            self.set_timer()
        return True

    def refuse(self, status):
        self.send(status, True)

    def finish(self):
        method, target, last = self.request
        self.request = None
        if method not in (b"GET", b"HEAD"):
            self.send(405, last)
            return
        try:
            name = os.path.realpath(self.root + b"/" + unquote_to_bytes(target.partition(b"?")[0]))
            if not name.startswith(self.root + b"/") or not os.path.isfile(name):
                raise FileNotFoundError(name)
            file = open(name, "rb")
        except (OSError, ValueError):
            self.send(404, last)
            return
        size = os.fstat(file.fileno()).st_size
        if method == b"HEAD":
            file.close()
            self.send(200, last, size)
        else:
            self.send(200, last, size, file)

    def send(self, status, last, size=0, file=None):
        self.stop_timer()
        self.busy, self.last = True, last
        self.file, self.left = file, size if file else 0
        allow = "Allow: GET, HEAD\r\n" if status == 405 else ""
        self.transport.write(
            f"HTTP/1.1 {status} {NAMES[status]}\r\nDate: {formatdate(usegmt=True)}\r\n"
            f"Content-Length: {size}\r\n{allow}\r\n".encode()
        )
        self.pump()

    def pump(self):
        """Write what the kernel takes."""
        while self.left > 0 and not self.paused and not self.transport.is_closing():
            piece = self.file.read(min(self.left, 30000))
            if not piece:
                self.transport.abort()
                return
            self.left -= len(piece)
            self.transport.write(piece)
        if not self.busy or self.left > 0 or self.paused:
            return
        if self.file is not None:
            self.file.close()
            self.file = None
        self.busy = False
        self.set_timer()
        if self.last:
            self.leaving = True
            self.transport.write_eof()
            if self.ended:
                self.transport.close()
        else:
            self.transport.resume_reading()
            asyncio.get_running_loop().call_soon(self.work)


async def run(listener, root, seconds):
    loop = asyncio.get_running_loop()
    while True:
        try:
            sock, _ = await loop.sock_accept(listener)
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            await asyncio.sleep(0.05)
            continue
        await loop.connect_accepted_socket(lambda: Http(root, seconds), sock)


def serve(port, root, seconds):
    if seconds < 0:
        raise ValueError("negative")
    os.listdir(root)
    root = os.path.realpath(os.fsencode(root))
    family, kind, proto, _, address = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0]
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
        listener.setblocking(False)
        asyncio.run(run(listener, root, seconds))
    finally:
        listener.close()
