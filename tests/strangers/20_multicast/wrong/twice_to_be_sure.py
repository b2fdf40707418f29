# expect: fail
# gap: other
# cause: The message is sent twice.
# shows: Every announcement.
# says: sends the same again
import ipaddress
import socket
import struct


def check(group, interface):
    group, interface = ipaddress.IPv4Address(group), ipaddress.IPv4Address(interface)
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
        for _ in range(2):
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
