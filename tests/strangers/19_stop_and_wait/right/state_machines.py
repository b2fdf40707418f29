# expect: pass
# gap: none
# cause: Two classes hold the protocol's state and know nothing of sockets; poll loops carry datagrams and time to them.
# shows: never
import contextlib
import errno
import math
import select
import socket
import struct
import time


class Outgoing:
    """The sender's side: what to send now, what an arriving datagram means."""

    def __init__(self, data):
        self.data, self.offset, self.bit = bytes(data), 0, 0
        self.tries, self.finished, self.progress = 0, False, False

    def datagram(self):
        self.tries += 1
        return struct.pack("BB", 0, self.bit) + self.data[self.offset:self.offset + 512]

    @property
    def exhausted(self):
        return self.tries >= 40

    def arrived(self, packet):
        """True when packet acknowledges the datagram on its way."""
        if packet != struct.pack("BB", 1, self.bit):
            return False
        self.progress = True
        if self.offset >= len(self.data):
            self.finished = True
        self.offset = min(self.offset + 512, len(self.data))
        self.bit ^= 1
        self.tries = 0
        return True


class Incoming:
    """The receiver's side."""

    def __init__(self):
        self.parts, self.peer, self.bit, self.end = [], None, 0, None

    def arrived(self, packet, peer):
        """The acknowledgement for packet, or None."""
        if len(packet) < 2 or len(packet) > 514 or packet[0] or packet[1] not in (0, 1):
            return None
        if self.end is not None:
            return bytes([1, packet[1]]) if (packet, peer) == (self.end, self.peer) else None
        if self.peer is None:
            if packet[1] != 0:
                return None
            self.peer = peer
        elif peer != self.peer:
            return None
        if packet[1] == self.bit:
            self.bit ^= 1
            self.parts.append(packet[2:])
            if len(packet) == 2:
                self.end = packet
        return bytes([1, packet[1]])


class Clock:
    def __init__(self, seconds):
        self.until = time.monotonic() + seconds

    def ms(self):
        left = self.until - time.monotonic()
        return 0 if left <= 0 else min(math.ceil(left * 1000), 1_000_000)

    def over(self):
        return time.monotonic() >= self.until


def _info(host, port, flags):
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM, 0, flags)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "name cannot be encoded") from None
    return [(family, kind, proto, address) for family, kind, proto, _, address in found]


def _wait_for_ack(sock, poller, machine, clock):
    while True:
        if poller.poll(clock.ms()):
            try:
                if machine.arrived(sock.recv(1024, socket.MSG_DONTWAIT)):
                    return True
            except (BlockingIOError, ConnectionRefusedError):
                pass
        if clock.over():
            return False


def _try_address(sock, address, machine, seconds):
    sock.connect(address)
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    while not machine.finished:
        if machine.exhausted:
            raise TimeoutError(errno.ETIMEDOUT, "40 sends without an answer")
        try:
            sock.send(machine.datagram())
        except ConnectionRefusedError:
            pass
        _wait_for_ack(sock, poller, machine, Clock(seconds))


def send_reliably(host, port, data, seconds):
    if seconds < 0 or seconds != seconds:
        raise ValueError("seconds")
    last = None
    for family, kind, proto, address in _info(host, port, 0):
        machine = Outgoing(data)
        try:
            with contextlib.closing(socket.socket(family, kind, proto)) as sock:
                _try_address(sock, address, machine, seconds)
            return
        except OSError as error:
            last = error
            if machine.progress:
                break
    raise last


def _bound(port):
    last = None
    for family, kind, proto, address in _info(None, port, socket.AI_PASSIVE):
        try:
            sock = socket.socket(family, kind, proto)
            try:
                sock.bind(address)
                return sock
            except BaseException:
                sock.close()
                raise
        except OSError as error:
            last = error
    raise last


def recv_reliably(port, seconds):
    if seconds < 0 or seconds != seconds:
        raise ValueError("seconds")
    with _bound(port) as sock:
        machine, clock = Incoming(), None
        poller = select.poll()
        poller.register(sock, select.POLLIN)
        while True:
            if poller.poll(None if clock is None else clock.ms()):
                try:
                    packet, peer = sock.recvfrom(515, socket.MSG_DONTWAIT)
                except OSError as error:
                    if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                else:
                    answer = machine.arrived(packet, peer)
                    if answer is not None:
                        with contextlib.suppress(OSError):
                            sock.sendto(answer, socket.MSG_DONTWAIT, peer)
                        if machine.end is not None:
                            clock = Clock(seconds)
            if clock is not None and clock.over():
                return b"".join(machine.parts)
