# expect: pass
# gap: none
# cause: a connected socket for each address, one id for all attempts, a generator that counts a fixed deadline down.
# shows: never
import errno
import math
import os
import select
import socket
import time

LARGEST = 65527                 # over IPv6; IPv4's own limit is the kernel's to tell


def _ticks(seconds):
    """Milliseconds that are left, until none are."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        yield math.ceil(min(left, 60) * 1000)


def _answers(sock, watch, seconds):
    """The datagrams that come within the time."""
    for left in _ticks(seconds):
        if watch.poll(left):
            try:
                yield sock.recv(65535)
            except BlockingIOError:
                pass            # a datagram that was dropped for its checksum


def _ask(info, packet, attempts, seconds):
    family, kind, proto, _, address = info
    with socket.socket(family, kind, proto) as sock:
        sock.setblocking(False)
        sock.connect(address)
        watch = select.poll()
        watch.register(sock, select.POLLIN)
        for _ in range(attempts):
            try:
                sock.send(packet)
            except BlockingIOError:
                pass            # as good as lost
            for datagram in _answers(sock, watch, seconds):
                if len(datagram) >= 2 and datagram[:2] == packet[:2]:
                    return datagram[2:]
    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def query(host: str, port: str, question: bytes, attempts: int, seconds: float) -> bytes:
    if attempts < 1:
        raise ValueError("attempts must be at least 1")
    if not seconds >= 0:
        raise ValueError("seconds must not be negative")
    packet = os.urandom(2) + question
    if len(packet) > LARGEST:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    failure = None
    for info in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
        try:
            return _ask(info, packet, attempts, seconds)
        except OSError as error:
            failure = error
    raise failure
