# expect: fail
# gap: other
# cause: When the end is never acknowledged the sender returns as if all were well, since all the data has been confirmed; it must report the time-out.
# shows: when the receiver acknowledges the data but no end
# says: returned None; expected TimeoutError
import errno
import socket
import time


class Silence(TimeoutError):
    pass


def exchange(sock, packet, seconds):
    for _ in range(40):
        sock.setblocking(True)
        try:
            sock.sendall(packet)
        except ConnectionRefusedError:
            pass
        deadline = time.monotonic() + seconds
        remaining = seconds
        while True:
            sock.settimeout(remaining if remaining > 0 else 1e-6)
            try:
                answer = sock.recv(515)
            except (TimeoutError, ConnectionRefusedError):
                answer = None
            if answer == bytes([1, packet[1]]):
                return
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
    raise Silence("forty sends, no acknowledgement")


def getaddrs(host, port, flags):
    try:
        return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP, flags)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "host name") from None


def send_reliably(host, port, data, seconds):
    if not seconds >= 0:
        raise ValueError("seconds")
    error = None
    for family, kind, proto, _, address in getaddrs(host, port, 0):
        acknowledged = 0
        try:
            with socket.socket(family, kind, proto) as sock:
                sock.connect(address)
                while acknowledged * 512 < len(data):
                    start = acknowledged * 512
                    exchange(sock, bytes([0, acknowledged & 1]) + data[start:start + 512], seconds)
                    acknowledged += 1
                try:
                    exchange(sock, bytes([0, acknowledged & 1]), seconds)
                except Silence:
                    if not acknowledged:
                        raise
                    # everything has been confirmed, only the good-bye was lost
            return
        except OSError as e:
            error = e
            if acknowledged:
                break
    raise error


def acknowledge(sock, bit, peer):
    try:
        sock.sendto(bytes([1, bit]), peer)
    except OSError:
        pass


def packets(sock):
    while True:
        try:
            packet, peer = sock.recvfrom(1024)
        except OSError as e:
            if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            if isinstance(e, TimeoutError):
                return
            continue
        yield packet, peer


def receive(sock, seconds):
    result, friend, expected = bytearray(), None, 0
    for packet, peer in packets(sock):
        if not 2 <= len(packet) <= 514 or packet[0] != 0 or packet[1] > 1:
            continue
        if friend is None and packet[1] == 0:
            friend = peer
        if peer != friend:
            continue
        acknowledge(sock, packet[1], friend)
        if packet[1] == expected:
            result += packet[2:]
            expected = 1 - expected
            if len(packet) == 2:
                break
    end = packet
    deadline = time.monotonic() + seconds
    while True:
        sock.settimeout(max(deadline - time.monotonic(), 1e-6))
        for got in packets(sock):
            if got == (end, friend):
                sock.settimeout(None)
                acknowledge(sock, end[1], friend)
                deadline = time.monotonic() + seconds
            break
        if time.monotonic() >= deadline:
            return bytes(result)


def recv_reliably(port, seconds):
    if not seconds >= 0:
        raise ValueError("seconds")
    error = None
    for family, kind, proto, _, address in getaddrs(None, port, socket.AI_PASSIVE):
        sock = socket.socket(family, kind, proto)
        try:
            sock.bind(address)
        except OSError as e:
            error = e
            sock.close()
            continue
        with sock:
            return receive(sock, seconds)
    raise error
