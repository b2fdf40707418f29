"""Data over datagrams that may be lost: send one, wait for its acknowledgement, send the next."""

import socket
import time
from contextlib import suppress

DATA, ACKNOWLEDGEMENT = 0, 1
HEAD = 2  # bytes before the data: the type and the bit
MOST = 512  # bytes of data in a datagram
SENDS = 40  # of each datagram


def send_reliably(host: str, port: str, data: bytes, seconds: float) -> None:
    """Send data to the receiver, and return when it has all of it.

    Raises:
        ValueError: a negative time limit.
        socket.gaierror: the name or the service is unknown.
        TimeoutError: a datagram was not acknowledged.
        OSError: no address can be sent to (the error of the last one).
    """
    if seconds < 0:
        raise ValueError("a negative time limit")
    pieces = [data[at : at + MOST] for at in range(0, len(data), MOST)]
    datagrams = [bytes([DATA, 0]) + piece for piece in [*pieces, b""]]
    with reach(host, port, datagrams[0], seconds) as sock:
        for datagram in datagrams[1:]:
            deliver(sock, datagram, seconds)


def reach(host: str, port: str, first: bytes, seconds: float) -> socket.socket:
    """Return a socket of the first address that acknowledges the first datagram."""
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as failure:
            error = failure
            continue
        try:
            sock.connect(address)
            deliver(sock, first, seconds)
            return sock
        except OSError as failure:
            sock.close()
            error = failure
    raise error


def deliver(sock: socket.socket, datagram: bytes, seconds: float) -> None:
    """Send a datagram until it is acknowledged."""
    sock.send(datagram)
    for _ in range(SENDS):
        if is_acknowledged(sock, seconds):
            return
    raise TimeoutError("no acknowledgement")


def is_acknowledged(sock: socket.socket, seconds: float) -> bool:
    """Wait for an acknowledgement, and tell whether it came in time."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        with suppress(TimeoutError):
            return sock.recv(HEAD + 1)[:1] == bytes([ACKNOWLEDGEMENT])
    return False


def recv_reliably(port: str, seconds: float) -> bytes:
    """Receive from the first sender until its end, and return all of its data.

    Raises:
        ValueError: a negative time limit.
        socket.gaierror: the service is unknown.
        OSError: the port is taken, for example.
    """
    if seconds < 0:
        raise ValueError("a negative time limit")
    family, kind, protocol, _, address = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as sock:
        sock.bind(address)
        received, sender = bytearray(), None
        while True:
            datagram, source = sock.recvfrom(HEAD + MOST + 1)
            if not is_data(datagram):
                continue
            bit, piece = datagram[1], datagram[HEAD:]
            if source != sender and (sender is not None or bit != 0):
                continue
            sender = source
            acknowledge(sock, bit, sender)
            if not piece:
                break
            received += piece
        stay(sock, datagram, sender, seconds)
        return bytes(received)


def is_data(datagram: bytes) -> bool:
    return HEAD <= len(datagram) <= HEAD + MOST and datagram[0] == DATA and datagram[1] in (0, 1)


def acknowledge(sock: socket.socket, bit: int, sender: tuple) -> None:
    """Send an acknowledgement; if that fails, it is lost like any other."""
    with suppress(OSError):
        sock.sendto(bytes([ACKNOWLEDGEMENT, bit]), sender)


def stay(sock: socket.socket, end: bytes, sender: tuple, seconds: float) -> None:
    """Acknowledge the end once more, if it comes again within so long."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        with suppress(TimeoutError):
            if sock.recvfrom(HEAD + 1) == (end, sender):
                acknowledge(sock, end[1], sender)
                return
