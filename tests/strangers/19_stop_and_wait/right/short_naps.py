# expect: pass
# gap: none
# cause: An unconnected socket that is looked at every few milliseconds while a limit runs; who sent a datagram is compared by hand with the peer's address.
# shows: never
import errno
import socket
import time
from contextlib import ExitStack


class Silence(Exception):
    pass


class Link:
    """A UDP socket that receives with a deadline."""

    def __init__(self, sock):
        self.sock = sock
        self.limit = None

    def forever(self):
        self.limit = None

    def until(self, seconds):
        self.limit = time.monotonic() + seconds

    def expired(self):
        return self.limit is not None and time.monotonic() >= self.limit

    def receive(self):
        """One datagram, or Silence when the limit passes first."""
        if self.limit is None:
            return self.sock.recvfrom(517)
        while True:
            try:
                return self.sock.recvfrom(517, socket.MSG_DONTWAIT)
            except BlockingIOError:
                left = self.limit - time.monotonic()
                if left <= 0:
                    raise Silence from None
                time.sleep(min(left, 0.003))

    def tell(self, address, *parts):
        return self.sock.sendto(b"".join(parts), address)


def lookup(host, port, flags):
    try:
        return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM, 0, flags)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "unresolvable") from None


def true_name(family, kind, proto, address):
    """The address that answers will come from: 0.0.0.0 is the loopback, for instance."""
    with socket.socket(family, kind, proto) as probe:
        probe.connect(address)
        return probe.getpeername()


def exchange(link, peer, bit, payload, seconds):
    ack = bytes([1, bit]), peer
    for _ in range(40):
        try:
            link.tell(peer, bytes([0, bit]), payload)
        except ConnectionRefusedError:
            pass
        link.until(seconds)
        try:
            while True:
                try:
                    if link.receive() == ack:
                        return
                except ConnectionRefusedError:
                    pass
                if link.expired():
                    break
        except Silence:
            pass
    raise TimeoutError("the other side keeps silent")


def send_reliably(host, port, data, seconds):
    if seconds < 0 or seconds != seconds:
        raise ValueError("seconds must be 0 or more")
    reason = None
    for family, kind, proto, _, address in lookup(host, port, 0):
        acknowledged = 0
        try:
            with ExitStack() as stack:
                peer = true_name(family, kind, proto, address)
                link = Link(stack.enter_context(socket.socket(family, kind, proto)))
                rest = memoryview(data)
                while True:
                    exchange(link, peer, acknowledged & 1, bytes(rest[:512]), seconds)
                    acknowledged += 1
                    if not rest:
                        return
                    rest = rest[512:]
        except OSError as problem:
            reason = problem
            if acknowledged:
                break
    raise reason


def recv_reliably(port, seconds):
    if seconds < 0 or seconds != seconds:
        raise ValueError("seconds must be 0 or more")
    reason = None
    for family, kind, proto, _, address in lookup(None, port, socket.AI_PASSIVE):
        with ExitStack() as stack:
            try:
                sock = stack.enter_context(socket.socket(family, kind, proto))
                sock.bind(address)
            except OSError as problem:
                reason = problem
                continue
            return gather(Link(sock), seconds)
    raise reason


def hear(link):
    while True:
        try:
            return link.receive()
        except OSError as problem:
            if problem.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            if link.expired():
                raise Silence from None


def confirm(link, peer, bit):
    try:
        link.tell(peer, bytes([1, bit]))
    except OSError:
        pass


def gather(link, seconds):
    link.forever()
    pieces, first, awaited = [], None, 0
    while True:
        packet, peer = hear(link)
        match packet[:2]:
            case b"\0\0" if len(packet) <= 514 and first in (None, peer):
                first = peer
            case b"\0\1" if len(packet) <= 514 and first == peer:
                pass
            case _:
                continue
        confirm(link, peer, packet[1])
        if packet[1] == awaited:
            awaited = 1 - awaited
            if not packet[2:]:
                break
            pieces.append(packet[2:])
    end = packet
    link.until(seconds)
    try:
        while True:
            if hear(link) == (end, first):
                confirm(link, first, end[1])
                link.until(seconds)
            elif link.expired():
                break
    except Silence:
        pass
    return b"".join(pieces)
