# expect: fail
# gap: other
# cause: One iterator of forty attempts is shared by all datagrams of the transfer, though each datagram may be sent up to forty times.
# shows: with more than forty datagrams, or with fewer on a path that loses many
# says: too many attempts before a datagram of 2 bytes arrives
import errno
import select
import socket
import time
from itertools import chain


def pieces_of(data):
    return chain((data[i:i + 512] for i in range(0, len(data), 512)), [b""])


def soon(deadline):
    return max(0, min(int((deadline - time.monotonic()) * 1000 + 0.999), 10**6))


def infos(host, port, flags=0):
    try:
        return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM, flags=flags)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a name") from None


def ack_arrives(sock, poller, ack, seconds):
    deadline = time.monotonic() + seconds
    while True:
        if poller.poll(soon(deadline)):
            try:
                if sock.recv(100, socket.MSG_DONTWAIT) == ack:
                    return True
            except (BlockingIOError, ConnectionRefusedError):
                pass
        if time.monotonic() >= deadline:
            return False


def transfer(sock, data, seconds, progress):
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    attempts = iter(range(40))
    for number, piece in enumerate(pieces_of(data)):
        packet = bytes([0, number % 2]) + piece
        for _ in attempts:
            try:
                sock.send(packet)
            except ConnectionRefusedError:
                pass
            if ack_arrives(sock, poller, bytes([1, number % 2]), seconds):
                progress.append(number)
                break
        else:
            raise TimeoutError("too many attempts")


def send_reliably(host, port, data, seconds):
    if seconds < 0 or seconds != seconds:
        raise ValueError("bad time")
    problem = None
    for family, kind, proto, _, address in infos(host, port):
        progress = []
        try:
            with socket.socket(family, kind, proto) as sock:
                sock.connect(address)
                transfer(sock, bytes(data), seconds, progress)
                return
        except OSError as error:
            if progress:
                raise
            problem = error
    raise problem


def data_packets(sock, poller, deadline):
    """(packet, sender) for ever, or until deadline() has passed."""
    while True:
        end = deadline()
        if poller.poll(None if end is None else soon(end)):
            try:
                packet, sender = sock.recvfrom(515, socket.MSG_DONTWAIT)
                if 2 <= len(packet) <= 514 and packet[:2] in (b"\0\0", b"\0\1"):
                    yield packet, sender
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
        end = deadline()
        if end is not None and time.monotonic() >= end:
            return


def recv_reliably(port, seconds):
    if seconds < 0 or seconds != seconds:
        raise ValueError("bad time")
    problem = None
    for family, kind, proto, _, address in infos(None, port, socket.AI_PASSIVE):
        with socket.socket(family, kind, proto) as sock:
            try:
                sock.bind(address)
            except OSError as error:
                problem = error
                continue
            poller = select.poll()
            poller.register(sock, select.POLLIN)
            received, partner, bit, last, until = [], None, 0, None, None
            for packet, sender in data_packets(sock, poller, lambda: until):
                if partner is None and packet[1] == 0:
                    partner = sender
                if sender != partner or (last is not None and packet != last):
                    continue
                try:
                    sock.sendto(bytes([1, packet[1]]), sender)
                except OSError:
                    pass
                if last is None and packet[1] == bit:
                    bit = 1 - bit
                    received.append(packet[2:])
                    if len(packet) == 2:
                        last = packet
                if last is not None:
                    until = time.monotonic() + seconds
            return b"".join(received)
    raise problem
