"""A listener at every address, which asks where each datagram was sent to."""

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
        s.sendto(message, target)


def hear(group, port, interface):
    to, via = check(group, interface)
    target = str(to), number(port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
        s.bind(("", target[1]))
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", to.packed, via.packed))
        while True:
            data, extra, _, _ = s.recvmsg(65507, socket.CMSG_SPACE(12))
            for _, kind, info in extra:
                if kind == 8 and info[8:12] == to.packed:
                    return data
