"""All addresses at the same time, watched by one selector; the first to answer wins."""

import errno
import os
import selectors
import socket
import time
from contextlib import ExitStack


def connect_within(host, port, seconds):
    if seconds < 0:
        raise ValueError("seconds must not be negative")
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    until = time.monotonic() + seconds
    failure = None
    with selectors.DefaultSelector() as selector, ExitStack() as sockets:
        for family, kind, protocol, _, address in infos:
            try:
                sock = sockets.enter_context(socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol))
                code = sock.connect_ex(address)
            except OSError as error:
                failure = error
                continue
            if code in (0, errno.EINPROGRESS):
                selector.register(sock, selectors.EVENT_WRITE)
            else:
                failure = OSError(code, os.strerror(code))
        while selector.get_map():
            ready = selector.select(max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("no address answers in time")
            for key, _ in ready:
                selector.unregister(key.fileobj)
                code = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == 0:
                    winner = key.fileobj.dup()
                    winner.setblocking(True)
                    return winner
                failure = OSError(code, os.strerror(code))
    raise failure
