# expect: fail
# gap: other
# cause: It waits in whole seconds, and gives up as much as a second late.
# shows: A limit that is not a whole number of seconds.
# says: later the program is still in poll()
import errno
import os
import secrets
import selectors
import socket
import tempfile
import time
from contextlib import contextmanager

LIMIT = 65536


@contextmanager
def client_of(server):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    own = os.path.join(tempfile.gettempdir(), f"ask-{secrets.token_hex(12)}")
    with sock:
        sock.connect(server)
        sock.bind(own)
        try:
            yield sock
        finally:
            os.unlink(own)


class Patience:
    def __init__(self, seconds):
        self.until = time.monotonic() + seconds

    def wait(self, sock, event):
        """Wait until the socket is ready, or for a slice of what is left."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        with selectors.PollSelector() as selector:
            selector.register(sock, event)
            selector.select(1)


def check(path, question, seconds):
    if not (seconds >= 0 and len(question) <= LIMIT and path and path.find("\0") == -1):
        raise ValueError("bad argument")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, "AF_UNIX path too long", path)


def ask(path, question, seconds):
    check(path, question, seconds)
    patience = Patience(seconds)
    with client_of(path) as sock:
        is_sent = False
        while True:
            try:
                if not is_sent:
                    sock.send(question)
                    is_sent = True
                data, flags = sock.recvmsg(LIMIT)[::2]
            except BlockingIOError:
                patience.wait(sock, selectors.EVENT_READ if is_sent else selectors.EVENT_WRITE)
            else:
                if flags & socket.MSG_TRUNC:
                    raise OSError(errno.EMSGSIZE, "the answer is cut")
                return data
