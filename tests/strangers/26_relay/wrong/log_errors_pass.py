# specimen: 26_relay python wrong
# expect: fail
# gap: unwritten-line
# cause: an error of the log is swallowed and the bytes go on
# shows: when the disk is full
import errno
import socket
import threading
import time


class Session(threading.Thread):
    def __init__(self, no, client, where, log):
        super().__init__(daemon=True)
        self.no, self.client, self.where, self.log = no, client, where, log
        self.over = threading.Event()
        self.finished = {}
        self.guard = threading.RLock()

    def say(self, text):
        with self.guard:
            try:
                print(self.no, text, file=self.log, flush=True)
            except OSError:
                pass

    def finish(self, arrow, how):
        with self.guard:
            if self.over.is_set() or arrow in self.finished:
                return
            self.finished[arrow] = how
            self.say(f"{arrow} {how}")

    def tear_down(self):
        self.over.set()
        for s in (self.client, self.target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def one_way(self, arrow, src, back, dst):
        try:
            while True:
                try:
                    chunk = src.recv(10000)
                except OSError:
                    self.finish(arrow, "reset")
                    break
                if chunk == b"":
                    self.finish(arrow, "eof")
                    try:
                        dst.shutdown(socket.SHUT_WR)
                    except OSError:
                        self.finish(back, "reset")
                        break
                    return
                self.say(f"{arrow} {len(chunk)} {chunk.hex()}")
                try:
                    dst.sendall(chunk)
                except OSError:
                    self.finish(back, "reset")
                    break
        except (OSError, ValueError):
            pass  # the log
        self.tear_down()

    def dial(self):
        for af, kind, proto, _, sa in self.where:
            try:
                s = socket.socket(af, kind, proto)
            except OSError:
                continue
            try:
                s.connect(sa)
                return s
            except OSError:
                s.close()
        return None

    def run(self):
        self.target = self.dial()
        if self.target is not None:
            other = threading.Thread(target=self.one_way, args=("<", self.target, ">", self.client), daemon=True)
            try:
                other.start()
            except RuntimeError:
                pass
            else:
                self.one_way(">", self.client, "<", self.target)
                other.join()
            self.target.close()
        self.client.close()


class Log:
    """A file that is opened in append mode and written without a buffer."""

    def __init__(self, path):
        self.raw = open(path, "ab", buffering=0)
        self.guard = threading.Lock()
        self.part = {}

    def write(self, text):
        me = threading.get_ident()
        self.part[me] = self.part.get(me, "") + text

    def flush(self):
        text = self.part.pop(threading.get_ident(), "").encode()
        with self.guard:
            while text:
                text = text[self.raw.write(text):]

    def close(self):
        self.raw.close()


def serve(port: str, host: str, service: str, log: str) -> None:
    where = socket.getaddrinfo(host, service, 0, socket.SOCK_STREAM)
    ai = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0]
    book = Log(log)
    try:
        with socket.socket(*ai[:3]) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(ai[4])
            door.listen(64)
            no = 0
            while True:
                try:
                    client = door.accept()[0]
                except OSError as e:
                    if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                    time.sleep(0.05)
                    continue
                no += 1
                try:
                    Session(no, client, where, book).start()
                except RuntimeError:
                    client.close()
    finally:
        book.close()
