# expect: pass
# gap: none
# cause: Sender and receiver are generators that yield what to send and until when to wait; a driver with an epoll selector resumes them with a datagram or with None.
# shows: never
import errno
import selectors
import socket
from time import monotonic

NOTHING = object()


def sending(data):
    """Yields (datagram or None, wait anew?); receives a datagram or None for silence."""
    pieces = [data[k:k + 512] for k in range(0, len(data), 512)]
    pieces.append(b"")
    for number, piece in enumerate(pieces):
        bit = number & 1
        for _ in range(40):
            answer = yield bytes([0, bit]) + piece
            while answer is not None and answer != bytes([1, bit]):
                answer = yield NOTHING
            if answer is not None:
                break
        else:
            raise TimeoutError("everything sent forty times, nothing heard")


def receiving(result):
    """Yields (acknowledgement, to whom, start to linger?); receives (datagram, from whom)."""
    def valid(packet):
        return 2 <= len(packet) <= 514 and packet[0] == 0 and packet[1] in (0, 1)

    packet, peer = yield None, None, False
    while not valid(packet) or packet[1] != 0:
        packet, peer = yield None, None, False
    first = peer
    bit = 0
    while True:
        if peer == first and valid(packet):
            fresh = packet[1] == bit
            if fresh:
                bit = 1 - bit
                result += packet[2:]
                if len(packet) == 2:
                    break
            packet, peer = yield bytes([1, packet[1]]), first, False
        else:
            packet, peer = yield None, None, False
    end = packet
    while True:
        if packet == end and peer == first:
            packet, peer = yield bytes([1, end[1]]), first, True
        else:
            packet, peer = yield None, None, False


def lookup(host, port, flags=0):
    try:
        return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM, flags=flags)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "bad name") from error


def wait(selector, deadline):
    """True when there is something to read before the deadline."""
    while True:
        left = deadline - monotonic()
        if selector.select(max(0.0, min(left, 900.0))):
            return True
        if monotonic() >= deadline:
            return False


def hear_ack(sock, selector, deadline):
    """A datagram, or None for silence until the deadline."""
    while wait(selector, deadline):
        try:
            return sock.recv(600)
        except (BlockingIOError, ConnectionRefusedError):
            if monotonic() >= deadline:
                break
    return None


class Counter:
    acknowledged = False


def drive_sender(sock, data, seconds, counter):
    script = sending(data)
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        order = next(script)
        first = order
        deadline = 0
        while True:
            if order is not NOTHING:
                if order[1] != first[1]:
                    counter.acknowledged = True
                sock.setblocking(True)
                try:
                    sock.send(order)
                except ConnectionRefusedError:
                    pass
                sock.setblocking(False)
                deadline = monotonic() + seconds
                heard = hear_ack(sock, selector, deadline)
            else:
                heard = hear_ack(sock, selector, deadline) if monotonic() < deadline else None
            try:
                order = script.send(heard)
            except StopIteration:
                return


def send_reliably(host, port, data, seconds):
    if not 0 <= seconds:
        raise ValueError("negative time")
    failure = None
    for family, kind, proto, _, address in lookup(host, port):
        counter = Counter()
        try:
            with socket.socket(family, kind, proto) as sock:
                sock.connect(address)
                drive_sender(sock, bytes(data), seconds, counter)
                return
        except OSError as error:
            if counter.acknowledged:
                raise
            failure = error
    raise failure


def bind_somewhere(port):
    failure = None
    for family, kind, proto, _, address in lookup(None, port, socket.AI_PASSIVE):
        sock = None
        try:
            sock = socket.socket(family, kind, proto)
            sock.bind(address)
            return sock
        except OSError as error:
            failure = error
            if sock:
                sock.close()
    raise failure


def recv_reliably(port, seconds):
    if not 0 <= seconds:
        raise ValueError("negative time")
    result = bytearray()
    script = receiving(result)
    next(script)
    deadline = float("inf")
    with bind_somewhere(port) as sock, selectors.DefaultSelector() as selector:
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
        while wait(selector, deadline):
            try:
                packet, peer = sock.recvfrom(1 << 16)
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
            else:
                ack, to, lingers = script.send((packet, peer))
                if ack:
                    try:
                        sock.sendto(ack, to)
                    except OSError:
                        pass
                if lingers:
                    deadline = monotonic() + seconds
            if monotonic() >= deadline:
                break
    return bytes(result)
