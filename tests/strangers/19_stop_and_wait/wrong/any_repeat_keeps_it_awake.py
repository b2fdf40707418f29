# expect: fail
# gap: other
# cause: After the end the receiver still acknowledges every data datagram of its sender and renews the wait with each, although only a repeat of the end may do that.
# shows: when late copies of earlier data arrive during the wait after the end: they are acknowledged, and the receiver comes back later than it should
# says: although the end had come, and they are no repeat of it
import errno
import socket
import threading
import time
from dataclasses import dataclass, field
from queue import Empty, Queue


@dataclass
class Transfer:
    sock: socket.socket
    seconds: float
    peer: tuple = None
    bit: int = 0
    blocks: list = field(default_factory=list)
    ended: bool = False

    def valid(self, packet, source):
        if not 2 <= len(packet) <= 514 or packet[0] != 0 or packet[1] not in (0, 1):
            return False
        if self.peer is None and packet[1] == 0:
            self.peer = source
        return source == self.peer

    def accept(self, packet):
        if packet[1] == self.bit and not self.ended:
            self.bit ^= 1
            self.blocks.append(packet[2:])
            self.ended = len(packet) == 2
        try:
            self.sock.sendto(bytes([1, packet[1]]), self.peer)
        except OSError:
            pass

    def receive(self):
        while True:
            try:
                return self.sock.recvfrom(800)
            except OSError as error:
                if error.errno in (None, errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise

    def run(self):
        while not self.ended:
            packet, source = self.receive()
            if self.valid(packet, source):
                self.accept(packet)
        deadline = time.monotonic() + self.seconds
        while (left := deadline - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                packet, source = self.receive()
            except TimeoutError:
                break
            if self.valid(packet, source):
                self.accept(packet)             # its acknowledgement was lost
                deadline = time.monotonic() + self.seconds
        return b"".join(self.blocks)


def _addresses(host, port, flags=0):
    try:
        return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM, 0, flags)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "no host") from None


def recv_reliably(port, seconds):
    if not seconds >= 0:
        raise ValueError("seconds")
    trouble = None
    for family, kind, proto, _, address in _addresses(None, port, socket.AI_PASSIVE):
        with socket.socket(family, kind, proto) as sock:
            try:
                sock.bind(address)
            except OSError as error:
                trouble = error
                continue
            return Transfer(sock, seconds).run()
    raise trouble


def _listen(sock, heard, over):
    while not over.is_set():
        try:
            heard.put(sock.recv(800))
        except (TimeoutError, ConnectionRefusedError):
            pass
        except OSError as error:
            heard.put(error)
            return


def _acknowledged(heard, ack, deadline):
    while True:
        try:
            got = heard.get(timeout=max(0, min(deadline - time.monotonic(), 1000)))
        except Empty:
            got = b""
        if isinstance(got, OSError):
            raise got
        if got == ack:
            return True
        if time.monotonic() >= deadline:
            return False


def _send_all(sock, data, seconds, progress):
    heard, over = Queue(), threading.Event()
    sock.settimeout(0.02)                       # how often the thread looks whether it is over
    thread = threading.Thread(target=_listen, args=(sock, heard, over))
    thread.start()
    try:
        number = 0
        while True:
            start = number * 512
            packet = bytes([0, number & 1]) + data[start:start + 512]
            for _ in range(40):
                try:
                    sock.send(packet)
                except ConnectionRefusedError:
                    pass
                if _acknowledged(heard, bytes([1, number & 1]), time.monotonic() + seconds):
                    break
            else:
                raise TimeoutError("silence")
            progress.append(number)
            number += 1
            if len(packet) == 2:
                return
    finally:
        over.set()
        thread.join()


def send_reliably(host, port, data, seconds):
    if not seconds >= 0:
        raise ValueError("seconds")
    trouble = None
    for family, kind, proto, _, address in _addresses(host, port):
        progress = []
        try:
            with socket.socket(family, kind, proto) as sock:
                sock.connect(address)
                _send_all(sock, bytes(data), seconds, progress)
                return
        except OSError as error:
            trouble = error
            if progress:
                break
    raise trouble
