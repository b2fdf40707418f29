"""Announce to a multicast group, and hear one."""

import socket


def packed(address: str) -> bytes:
    """The four bytes of a numeric IPv4 address."""
    try:
        return socket.inet_pton(socket.AF_INET, address)
    except OSError:
        raise ValueError(f"no IPv4 address: {address!r}") from None


def endpoint(group: str, port: str) -> tuple[str, int]:
    """The address of a group's port."""
    packed(group)
    return socket.getaddrinfo(group, port, socket.AF_INET, socket.SOCK_DGRAM)[0][4]


def announce(group: str, port: str, interface: str, message: bytes) -> None:
    """Send message to port of group, through interface, and no further than its network.

    Raises:
        ValueError: the group is none, or the interface no IPv4 address.
        OSError: the interface is not of this machine, or sending fails.
    """
    address, own = endpoint(group, port), packed(interface)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 32)
        sock.sendto(message, address)


def hear(group: str, port: str, interface: str) -> bytes:
    """Wait for the first datagram that is sent to port of group.

    Raises:
        ValueError: the group is none, or the interface no IPv4 address.
        OSError: the interface is not of this machine, or receiving fails.
    """
    address, own = endpoint(group, port), packed(interface)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", address[1]))
        return sock.recv(1500)
