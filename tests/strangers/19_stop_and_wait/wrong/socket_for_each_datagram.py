# expect: fail
# gap: other
# cause: Every datagram gets a socket of its own and with it a new port, but the receiver only listens to the address from which the first one came.
# shows: with any data that is not empty: from the second datagram on nothing is acknowledged
# says: comes from another port than the one before
import errno
import socket
import time


def ask(info, packet, seconds):
    family, kind, proto, _, address = info
    with socket.socket(family, kind, proto) as sock:
        sock.connect(address)
        for _ in range(40):
            deadline = time.monotonic() + seconds
            sock.settimeout(None)
            try:
                sock.send(packet)
            except ConnectionRefusedError:
                pass
            while True:
                sock.settimeout(max(deadline - time.monotonic(), 1e-6))
                try:
                    if sock.recv(3) == bytes([1, packet[1]]):
                        return
                except (TimeoutError, ConnectionRefusedError):
                    pass
                if time.monotonic() >= deadline:
                    break
    raise TimeoutError("no answer to 40 datagrams")


def lookup(host, port, flags=0):
    try:
        return socket.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_DGRAM, flags=flags)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "bad host") from None


def send_reliably(host, port, data, seconds):
    if not seconds >= 0:
        raise ValueError("seconds must not be negative")
    queue = [data[k:k + 512] for k in range(0, len(data), 512)] + [b""]
    last = None
    for info in lookup(host, port):
        for index, part in enumerate(queue):
            try:
                ask(info, bytes([0, index % 2]) + part, seconds)
            except OSError as error:
                if index:
                    raise
                last = error
                break
        else:
            return
    raise last


def recv_reliably(port, seconds):
    if not seconds >= 0:
        raise ValueError("seconds must not be negative")
    last = None
    for family, kind, proto, _, address in lookup(None, port, socket.AI_PASSIVE):
        with socket.socket(family, kind, proto) as sock:
            try:
                sock.bind(address)
            except OSError as error:
                last = error
                continue
            return listen(sock, seconds)
    raise last


def listen(sock, seconds):
    chunks, partner, bit, end, deadline = [], None, 0, None, None
    while True:
        if end:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            sock.settimeout(left)
        try:
            packet, source = sock.recvfrom(4096)
        except OSError as error:
            if end and isinstance(error, TimeoutError):
                break
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            continue
        if end:
            if (packet, source) != (end, partner):
                continue
        else:
            if not 2 <= len(packet) <= 514 or packet[0] or packet[1] > 1:
                continue
            if partner is None and not packet[1]:
                partner = source
            if source != partner:
                continue
            if packet[1] == bit:
                bit ^= 1
                chunks.append(packet[2:])
                if len(packet) == 2:
                    end = packet
        try:
            sock.sendto(bytes([1, packet[1]]), source)
        except OSError:
            pass
        if end:
            deadline = time.monotonic() + seconds
    return b"".join(chunks)
