"""Sockets that never block: it looks, sleeps for a moment, and looks again."""

import socket
import time

NAP = 0.01


def send_reliably(host, port, data, seconds):
    if seconds < 0:
        raise ValueError(f"a limit of {seconds} s")
    last = None
    for info in socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM):
        bit, rest = 0, memoryview(data)
        try:
            with socket.socket(*info[:3]) as sock:
                sock.setblocking(False)
                sock.connect(info[4])
                while True:
                    exchange(sock, bit, rest[:512], seconds)
                    if not rest:
                        return
                    rest, bit = rest[512:], bit ^ 1
        except OSError as error:
            if len(rest) < len(data) or bit:
                raise
            last = error
    raise last


def exchange(sock, bit, piece, seconds):
    for _ in range(40):
        end = time.monotonic() + seconds
        try:
            sock.send(b"\0" + bytes([bit]) + piece)
        except (ConnectionRefusedError, BlockingIOError):
            pass
        while time.monotonic() < end:
            try:
                if sock.recv(1024) == bytes((1, bit)):
                    return
            except BlockingIOError:
                time.sleep(min(NAP, max(0, end - time.monotonic())))
            except ConnectionRefusedError:
                pass
    raise TimeoutError(f"datagram {bit} is not acknowledged")


def recv_reliably(port, seconds):
    if seconds < 0:
        raise ValueError(f"a limit of {seconds} s")
    pieces, heard, ended = [], None, None
    info = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_DGRAM, 0, socket.AI_PASSIVE)[0]
    with socket.socket(*info[:3]) as sock:
        sock.setblocking(False)
        sock.bind(info[4])
        while ended is None or time.monotonic() < ended + seconds:
            try:
                datagram, source = sock.recvfrom(1024)
            except BlockingIOError:
                time.sleep(NAP)
                continue
            if not 2 <= len(datagram) <= 514 or datagram[0] or datagram[1] > 1:
                continue
            bit, piece = datagram[1], datagram[2:]
            if heard is None and bit == 0:
                heard = source
            if source != heard:
                continue
            if ended is not None and (piece or bit != (len(pieces) - 1) % 2):
                continue
            if bit == len(pieces) % 2 and ended is None:
                pieces.append(piece)
            try:
                sock.sendto(bytes((1, bit)), source)
            except OSError:
                pass
            if not piece and bit == (len(pieces) - 1) % 2:
                ended = time.monotonic()
    return b"".join(pieces)
