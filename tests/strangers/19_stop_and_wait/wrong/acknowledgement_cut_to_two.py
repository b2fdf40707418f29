# expect: fail
# gap: other
# cause: The sender receives acknowledgements with recv(2), which cuts a longer datagram down to its first two bytes, so something that is not exactly two bytes long passes for an acknowledgement.
# shows: when a datagram that begins like the acknowledgement but is longer arrives from the receiver's address
# says: has room for 2 bytes: what is longer is cut to them
import errno
import socket
import time

MAX_PAYLOAD = 512
MAX_SENDS = 40


class Sender:
    def __init__(self, info, seconds):
        family, kind, proto, _, self.address = info
        self.sock = socket.socket(family, kind, proto)
        self.seconds = seconds
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.sock.close()

    @property
    def bit(self):
        return self.number % 2

    def connect(self):
        self.sock.connect(self.address)

    def push(self, payload):
        for _ in range(MAX_SENDS):
            self.sock.settimeout(None)
            try:
                self.sock.send(bytes([0, self.bit]) + payload)
            except ConnectionRefusedError:
                pass
            if self.heard():
                self.number += 1
                return
        raise TimeoutError(errno.ETIMEDOUT, "receiver is silent")

    def heard(self):
        deadline = time.monotonic() + self.seconds
        left = self.seconds
        while True:
            self.sock.settimeout(min(max(left, 1e-6), 1000))
            try:
                if self.sock.recv(2) == bytes([1, self.bit]):
                    return True
            except (ConnectionRefusedError, TimeoutError):
                pass
            left = deadline - time.monotonic()
            if left <= 0:
                return False


def _info(host, port, flags=0):
    try:
        return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM, 0, flags)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "host name") from None


def send_reliably(host, port, data, seconds):
    if not seconds >= 0:
        raise ValueError("seconds")
    error = None
    for info in _info(host, port):
        number = 0
        try:
            with Sender(info, seconds) as sender:
                try:
                    sender.connect()
                    for offset in range(0, len(data), MAX_PAYLOAD):
                        sender.push(bytes(data[offset:offset + MAX_PAYLOAD]))
                    sender.push(b"")
                    return
                finally:
                    number = sender.number
        except OSError as e:
            error = e
            if number:
                break
    raise error


class Receiver:
    def __init__(self, sock, seconds):
        self.sock, self.seconds = sock, seconds
        self.partner, self.expected, self.parts = None, 0, []

    def datagram(self):
        while True:
            try:
                return self.sock.recvfrom(1024)
            except TimeoutError:
                return b"", None
            except OSError as e:
                if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise

    def acknowledge(self, bit):
        try:
            self.sock.sendto(bytes([1, bit]), self.partner)
        except OSError:
            pass

    def run(self):
        while True:
            packet, peer = self.datagram()
            if not (2 <= len(packet) <= 2 + MAX_PAYLOAD and packet[0] == 0 and packet[1] in (0, 1)):
                continue
            if self.partner is None and packet[1] == 0:
                self.partner = peer
            if self.partner != peer:
                continue
            self.acknowledge(packet[1])
            if packet[1] == self.expected:
                self.expected = 1 - self.expected
                self.parts.append(packet[2:])
                if len(packet) == 2:
                    self.linger(packet)
                    return b"".join(self.parts)

    def linger(self, end):
        deadline = time.monotonic() + self.seconds
        while True:
            left = deadline - time.monotonic()
            self.sock.settimeout(min(max(left, 1e-6), 1000))
            packet, peer = self.datagram()
            if packet == end and peer == self.partner:
                self.acknowledge(end[1])
                deadline = time.monotonic() + self.seconds
            elif time.monotonic() >= deadline:
                return


def recv_reliably(port, seconds):
    if not seconds >= 0:
        raise ValueError("seconds")
    error = None
    for family, kind, proto, _, address in _info(None, port, socket.AI_PASSIVE):
        try:
            sock = socket.socket(family, kind, proto)
        except OSError as e:
            error = e
            continue
        with sock:
            try:
                sock.bind(address)
            except OSError as e:
                error = e
                continue
            return Receiver(sock, seconds).run()
    raise error
