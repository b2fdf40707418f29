# expect: pass
# gap: none
# cause: A thread for each client that reads without a limit, and a threading.Timer that shuts the socket when the time is up.
# shows: The reading thread sees an end-of-file then.
import contextlib
import errno
import os
import socket
import threading
import time
import urllib.parse


class Watched:
    """A connection whose reads are cut off by a timer."""

    def __init__(self, sock, seconds):
        self.sock, self.seconds = sock, seconds
        self.timer = None

    def watch(self):
        self.rest()
        self.timer = threading.Timer(self.seconds, self.cut)
        self.timer.daemon = True
        self.timer.start()

    def rest(self):
        if self.timer:
            self.timer.cancel()
            self.timer = None

    def cut(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


def read_header(watched, data):
    """Header (without its end) and rest; None at the end; ValueError if too long."""
    started = bool(data)
    watched.watch()
    while True:
        head, end, rest = data.partition(b"\r\n\r\n")
        if len(head) + len(end) > 8192:
            raise ValueError
        if end:
            return head, rest
        piece = watched.sock.recv(5000)
        if not piece:
            return None
        if not started:
            started = True
            watched.watch()
        data += piece


def judged(head):
    lines = head.decode("iso-8859-1").split("\r\n")
    try:
        method, target, version = lines[0].split(" ")
    except ValueError:
        return 400, None
    if len(version) != 8 or not version.startswith("HTTP/") or not (version[5] + version[7]).isdecimal() or version[6] != ".":
        return 400, None
    if version[5] != "1":
        return 505, None
    old = version[7] == "0"
    seen = {}
    for line in lines[1:]:
        if ":" not in line:
            return 400, None
        key, value = line.split(":", 1)
        if not key or key.strip(" \t") != key:
            return 400, None
        seen.setdefault(key.casefold(), []).append(value.strip(" \t"))
    hosts = seen.get("host", [])
    if len(hosts) > 1 or not (hosts or old):
        return 400, None
    sizes = seen.get("content-length", ["0"])
    if len(set(sizes)) > 1 or not sizes[0] or set(sizes[0]) - set("0123456789") or len(sizes[0]) > 18:
        return 400, None
    if "transfer-encoding" in seen:
        return 501, None
    closing = old or any("close" in value.lower() for value in seen.get("connection", []))
    return (200 if method in ("GET", "HEAD") else 405), (method, target, int(sizes[0]), closing)


def locate(root, target):
    path = urllib.parse.unquote_to_bytes(target.split("?")[0].encode("iso-8859-1"))
    if b"\0" in path:
        return None
    real = os.path.realpath(os.fsencode(root) + b"/" + path)
    if os.path.commonprefix([real, os.fsencode(root) + b"/"]) != os.fsencode(root) + b"/":
        return None
    return real if os.path.isfile(real) else None


def header_for(status, size):
    return (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\n"
        f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S', time.gmtime())} GMT\r\n"
        f"Allow: GET, HEAD\r\nContent-Length: {size}\r\n\r\n"
    ).encode()


def converse(watched, root):
    """Until the last answer; whether there was one."""
    sock, data = watched.sock, b""
    while True:
        try:
            found = read_header(watched, data)
        except ValueError:
            watched.rest()
            sock.sendall(header_for(431, 0))
            return True
        if found is None:
            return False
        head, data = found
        status, request = judged(head)
        if request is None:
            watched.rest()
            sock.sendall(header_for(status, 0))
            return True
        method, target, length, closing = request
        while len(data) < length:
            watched.watch()
            length -= len(data)
            data = sock.recv(5000)
            if not data:
                return False
        data = data[length:]
        watched.rest()
        path = locate(root, target) if status == 200 else None
        if path is None:
            sock.sendall(header_for(404 if status == 200 else status, 0))
        else:
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                sock.sendall(header_for(200, size))
                if method == "GET":
                    sock.sendfile(file)
        if closing:
            return True


def client(sock, root, seconds):
    watched = Watched(sock, seconds)
    try:
        with contextlib.suppress(OSError, RuntimeError):
            if converse(watched, root):
                sock.shutdown(socket.SHUT_WR)
                watched.watch()
                while sock.recv(5000):
                    pass
    finally:
        watched.rest()
        sock.close()


def serve(port, root, seconds):
    if seconds < 0:
        raise ValueError(seconds)
    os.listdir(root)
    root = os.path.realpath(root)
    infos = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with socket.socket(*infos[0][:3]) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(infos[0][4])
        listener.listen(128)
        while True:
            try:
                sock, _ = listener.accept()
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.01)
                continue
            try:
                threading.Thread(target=client, args=(sock, root, seconds), daemon=True).start()
            except RuntimeError:
                sock.close()
