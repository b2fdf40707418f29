# expect: pass
# gap: none
# cause: Routers are heard through the socket's error queue (IP_RECVERR), the host through its ordinary one.
# shows: never
import os
import select
import socket
import struct
import time

IP_RECVERR = 11  # the module of Python 3.11 has no name for it
ICMP_ORIGIN = 2


def checksum(data):
    total = 0
    for high, low in zip(data[::2], data[1::2]):
        total += high * 256 + low
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


class Trace:
    def __init__(self, sock, target, seconds):
        self.sock, self.target, self.seconds = sock, target, seconds
        self.tag = os.urandom(2)

    def hop(self, ttl):
        sequence = struct.pack("!H", 1000 + ttl)
        echo = b"\x08\0\0\0" + self.tag + sequence + b"0123456789abcdef"
        echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
        self.sock.setsockopt(socket.SOL_IP, socket.IP_TTL, ttl)
        for _ in "123":
            self.send(echo)
            end = time.monotonic() + self.seconds
            while (rest := end - time.monotonic()) > 0:
                poll = select.poll()
                poll.register(self.sock, select.POLLIN)
                if not poll.poll(rest * 1000 + 1):
                    break
                found = self.error(echo) or self.reply(echo)
                if found:
                    return found
        return ("*", False, False)

    def send(self, echo):
        while True:
            try:
                self.sock.sendto(echo, (self.target, 0))
                return
            except OSError as error:
                # what a router has said of an earlier one is told here, too
                if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and not self.pending:
                    raise error

    @property
    def pending(self):
        try:
            self.sock.recvmsg(1, 0, socket.MSG_ERRQUEUE | socket.MSG_PEEK | socket.MSG_DONTWAIT)
            return True
        except BlockingIOError:
            return False

    def error(self, echo):
        try:
            data, control, _flags, name = self.sock.recvmsg(2048, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        for level, kind, value in control:
            if (level, kind) != (socket.SOL_IP, IP_RECVERR):
                continue
            _errno, origin, icmp_type, code, *_ = struct.unpack_from("IBBBBII", value)
            router = socket.inet_ntoa(value[20:24])
            if origin != ICMP_ORIGIN or data[4:8] != echo[4:8] or name[0] != self.target:
                continue
            if icmp_type == 3:
                return (router, True, True)
            if (icmp_type, code) == (11, 0):
                return (router, False, False)
        return None

    def reply(self, echo):
        try:
            packet, (source, _) = self.sock.recvfrom(65535, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno in (113, 111, 71, 92, 101, 90):  # told by ICMP; the queue has more
                return None
            raise
        icmp = packet[(packet[0] & 15) * 4 :]
        if icmp[0] == 0 and source == self.target and icmp[4:8] == echo[4:8]:
            return (source, False, True)
        return None


def traceroute(host, max_hops, seconds):
    if not 1 <= max_hops <= 255 or seconds < 0:
        raise ValueError("bad limit")
    failure = None
    for *_, (target, _) in socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_RAW):
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
            sock.setsockopt(socket.SOL_IP, IP_RECVERR, 1)
            lines = []
            try:
                for ttl in range(1, max_hops + 1):
                    who, mark, last = Trace(sock, target, seconds).hop(ttl)
                    lines.append(f"{ttl} {who}{'!' if mark else ''}")
                    if last:
                        break
                return lines
            except OSError as error:
                failure = error
    raise failure
