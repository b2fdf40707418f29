# expect: pass
# gap: none
# cause: -
# shows: -
import errno
import os
import socket


def _read_all(raw):
    parts = []
    while (part := raw.read(65536)) != b"":
        if part is None:  # a file's word for EAGAIN, which nobody expects here
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        parts.append(part)
    return b"".join(parts)


def fetch(host: str, port: str) -> bytes:
    try:
        candidates = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
    last = OSError("no address")
    for candidate in candidates:
        sock = None
        try:
            sock = socket.socket(*candidate[:3])
            sock.settimeout(None)
            sock.connect(candidate[4])
        except OSError as error:
            last = error
            if sock is not None:
                sock.close()
            continue
        with sock, sock.makefile("rb", buffering=0) as raw:
            return _read_all(raw)
    try:
        raise last
    finally:
        del last
