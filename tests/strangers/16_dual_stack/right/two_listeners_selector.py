# expect: pass
# gap: none
# cause: two listeners (the IPv6 one explicitly V6ONLY) watched by one selector; addresses come from accept().
# shows: never
import contextlib
import errno
import selectors
import socket
import time

FATAL = frozenset((errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT))
AT_ONCE = frozenset((errno.EAGAIN, errno.EINTR, errno.ECONNABORTED))


def _bound(stack, family, port):
    where = socket.getaddrinfo(None, port, family=family, type=socket.SOCK_STREAM,
                               flags=socket.AI_PASSIVE)[0][4]
    sock = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(where)
    sock.setblocking(False)
    return sock


def _welcome(listener):
    try:
        conn, peer = listener.accept()
    except OSError as error:
        if error.errno in FATAL:
            raise
        if error.errno not in AT_ONCE:
            time.sleep(0.05)
        return
    with conn, contextlib.suppress(OSError):
        conn.sendall(peer[0].encode("ascii"))


def _bound_six(stack, port):
    try:
        return [_bound(stack, socket.AF_INET6, port)]
    except socket.gaierror:
        raise
    except OSError as error:
        if error.errno != errno.EAFNOSUPPORT:
            raise
        return []


def serve(port: str) -> None:
    with contextlib.ExitStack() as stack:
        listeners = [_bound(stack, socket.AF_INET, port)]
        listeners += _bound_six(stack, port)
        selector = stack.enter_context(selectors.DefaultSelector())
        for listener in listeners:
            listener.listen(128)
            selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                _welcome(key.fileobj)
