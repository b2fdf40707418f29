# expect: fail
# gap: other
# cause: The time-out is per call of recv, so every stray datagram or old acknowledgement lets the sender wait for the whole time again instead of what is left.
# shows: when strays from the receiver's address keep coming at intervals shorter than the time-out: nothing is sent again
# says: a datagram that is not the awaited one has started the wait again
import errno
import socket
import time


def _lookup(host, port, **more):
    try:
        return socket.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_DGRAM, **more)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "invalid host") from None


def _send_and_wait(sock, packet, seconds):
    wanted = bytes([1, packet[1]])
    for _ in range(40):
        started = time.monotonic()
        sock.settimeout(max(seconds, 1e-6))
        try:
            sock.send(packet)
            while sock.recv(1024) != wanted:
                pass
            return
        except TimeoutError:
            continue
        except ConnectionRefusedError:
            time.sleep(max(0, started + seconds - time.monotonic()))
    raise TimeoutError("no acknowledgement after 40 sends")


def send_reliably(host, port, data, seconds):
    if seconds != seconds or seconds < 0:
        raise ValueError("seconds")
    packets = []
    for start in range(0, len(data) + 512, 512):
        packets.append(bytes([0, len(packets) & 1]) + data[start:start + 512])
    if len(packets[-1]) > 2:
        packets.append(bytes([0, len(packets) & 1]))
    failure = None
    for family, kind, proto, _, address in _lookup(host, port):
        confirmed = 0
        try:
            with socket.socket(family, kind, proto) as sock:
                sock.connect(address)
                for packet in packets:
                    _send_and_wait(sock, packet, seconds)
                    confirmed += 1
            return
        except OSError as error:
            failure = error
        if confirmed:
            break
    raise failure


def _from(sock):
    while True:
        try:
            return sock.recvfrom(65535)
        except OSError as error:
            if error.errno in (None, errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise


def _confirm(sock, bit, peer):
    try:
        sock.sendto(bytes([1, bit]), peer)
    except OSError:
        pass


def recv_reliably(port, seconds):
    if seconds != seconds or seconds < 0:
        raise ValueError("seconds")
    failure = None
    for family, kind, proto, _, address in _lookup(None, port, flags=socket.AI_PASSIVE):
        with socket.socket(family, kind, proto) as sock:
            try:
                sock.bind(address)
            except OSError as error:
                failure = error
                continue
            whole, peer, turn = b"", None, 0
            while True:
                packet, sender = _from(sock)
                if len(packet) < 2 or len(packet) > 514 or packet[0] != 0 or packet[1] > 1:
                    continue
                if peer is None:
                    if packet[1] != 0:
                        continue
                    peer = sender
                if sender != peer:
                    continue
                _confirm(sock, packet[1], peer)
                if packet[1] != turn:
                    continue
                turn ^= 1
                whole += packet[2:]
                if len(packet) == 2:
                    break
            end = packet
            limit = time.monotonic() + seconds
            while (left := limit - time.monotonic()) > 0:
                sock.settimeout(left)
                try:
                    packet, sender = _from(sock)
                except TimeoutError:
                    break
                if (packet, sender) == (end, peer):
                    sock.settimeout(None)
                    _confirm(sock, end[1], peer)
                    limit = time.monotonic() + seconds
            return whole
    raise failure
