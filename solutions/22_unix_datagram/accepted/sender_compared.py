"""The kernel's own limits on both calls; an address that comes with SO_PASSCRED; and
a sender whose name is compared with the server's, as the kernel tells it."""

import errno
import os
import socket
import struct
import time

LARGEST = 65536


def limited(sock, option, end):
    """Let a call wait until the end, and not at all when that has passed."""
    left = end - time.monotonic()
    sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(left), int(left % 1 * 1_000_000)))
    return socket.MSG_DONTWAIT if left < 0.000_001 else 0


def exchange(sock, question, end):
    server = sock.getpeername()
    try:
        sock.send(question, limited(sock, socket.SO_SNDTIMEO, end))
        while True:
            flags = limited(sock, socket.SO_RCVTIMEO, end)
            answer, _, told, sender = sock.recvmsg(LARGEST, 0, flags)
            if sender == server:
                break
    except BlockingIOError:
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None
    if told & socket.MSG_TRUNC:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    return answer


def ask(path, question, seconds):
    name = os.fsencode(path)
    if not name or 0 in name or len(question) > LARGEST or not seconds >= 0:
        raise ValueError
    if len(name) >= 108:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
    end = time.monotonic() + seconds
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        sock.connect(name)
        return exchange(sock, question, end)
    finally:
        sock.close()
