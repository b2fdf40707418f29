# expect: fail
# gap: other
# cause: The request is sent once more than was asked for.
# shows: Nobody answers.
# says: the same is sent once more, 3 times in all; the time is up after 2
import itertools
import math
import os
import select
import socket
import time

_count = itertools.count(int.from_bytes(os.urandom(2), "little"))


def _arrivals(sock, end):
    """What arrives until the end; gives up a little late rather than early."""
    p = select.poll()
    p.register(sock, select.POLLIN | select.POLLERR)
    while (now := time.monotonic()) < end:
        if p.poll(math.ceil((end - now) * 1000)):
            yield sock.recv(70000)


def query(host, port, question, attempts, seconds):
    if not attempts >= 1 or not seconds >= 0:
        raise ValueError
    number = (next(_count) % 65536).to_bytes(2, "little")
    failures = iter(())
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
        sock = None
        try:
            sock = socket.socket(family, kind, protocol)
            sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 0))
            sock.connect(address)
            for _ in range(attempts + 1):
                sock.send(b"".join((number, question)))
                for datagram in _arrivals(sock, time.monotonic() + seconds):
                    head, body = datagram[:2], datagram[2:]
                    if head == number:
                        return body
            failure = TimeoutError(f"{host}:{port} did not answer {attempts} times")
        except OSError as error:
            failure = error
        finally:
            if sock is not None:
                sock.close()
    raise failure
