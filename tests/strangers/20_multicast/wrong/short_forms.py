# expect: fail
# gap: other
# cause: inet_aton() takes other texts than four numbers: 239.1 and 0xef010203 are accepted.
# shows: The group is 239.1.
# says: announce('239.1', port, '127.0.0.1', 10 bytes) returned None; expected ValueError
import ipaddress
import socket
import struct


def check(group, interface):
    try:
        group, interface = (ipaddress.IPv4Address(socket.inet_aton(text)) for text in (group, interface))
    except OSError as error:
        raise ValueError from error
    if not group.is_multicast:
        raise ValueError(f"{group} is no group")
    return group, interface


def number(port):
    return socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_DGRAM)[0][4][1]


def announce(group, port, interface, message):
    to, via = check(group, interface)
    target = str(to), number(port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, via.packed)
        s.sendto(message, target)


def hear(group, port, interface):
    to, via = check(group, interface)
    target = str(to), number(port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(target)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", to.packed, via.packed))
        data, _ = s.recvfrom(65507)
        return data
