# expect: pass
# gap: none
# cause: none; a class, a generator that hands out blocks of numbers under a lock, daemon threads that are known and joined when accept fails for good
# shows: nothing to see
import errno
import socket
import threading


class _Tally:
    """Hands out consecutive numbers, each once."""

    def __init__(self):
        self._lock = threading.Lock()
        self._given = 0

    def take(self, how_many):
        with self._lock:
            first = self._given + 1
            self._given += how_many
        return range(first, first + how_many)


class _Server:
    FATAL = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT})
    IMMEDIATE = frozenset({errno.EINTR, errno.ECONNABORTED})

    def __init__(self, listener):
        self._listener = listener
        self._tally = _Tally()
        self._guard = threading.Lock()
        self._sessions = {}         # thread -> its socket
        self._pause = threading.Event()     # never set: a sleep

    def _session(self, sock):
        try:
            sock.settimeout(None)
            while chunk := sock.recv(8192):
                lines = chunk.count(b"\n")
                if lines:
                    numbers = self._tally.take(lines)
                    sock.sendall(b"".join(b"%d\n" % n for n in numbers), socket.MSG_NOSIGNAL)
        except OSError:
            pass
        finally:
            with self._guard:
                self._sessions.pop(threading.current_thread(), None)
                try:
                    sock.close()
                except OSError:
                    pass

    def _start(self, sock):
        thread = threading.Thread(target=self._session, args=(sock,), daemon=True)
        with self._guard:
            self._sessions[thread] = sock
        try:
            thread.start()
        except RuntimeError:        # no more threads: this client is lost
            with self._guard:
                del self._sessions[thread]
                sock.close()

    def _stop(self):
        with self._guard:
            threads = list(self._sessions)
            for sock in self._sessions.values():
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        for thread in threads:
            thread.join()

    def run(self):
        try:
            while True:
                try:
                    sock, _ = self._listener.accept()
                except OSError as error:
                    if error.errno in self.FATAL:
                        raise
                    if error.errno not in self.IMMEDIATE:
                        self._pause.wait(0.05)
                    continue
                self._start(sock)
        finally:
            self._stop()


def _listeners(port):
    for *how, _, where in socket.getaddrinfo(None, port, family=socket.AF_INET,
                                             type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
        yield how, where


def serve(port: str) -> None:
    last = None
    for how, where in _listeners(port):
        try:
            listener = socket.socket(*how)
        except OSError as error:
            last = error
            continue
        with listener:
            try:
                listener.settimeout(None)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(where)
                listener.listen(128)
            except OSError as error:
                last = error
                continue
            _Server(listener).run()
    raise last
