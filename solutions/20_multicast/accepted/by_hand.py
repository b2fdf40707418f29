"""One class for both sides, with addresses read by hand."""

import re
import socket

DOTTED = re.compile(r"(0|[1-9]\d?\d?)" + r"\.(0|[1-9]\d?\d?)" * 3, re.ASCII)


def octets(text):
    found = DOTTED.fullmatch(text)
    if found is None or any(int(part) > 255 for part in found.groups()):
        raise ValueError(text)
    return bytes(map(int, found.groups()))


class Membership:
    """A socket with a place in a group."""

    def __init__(self, group, port, interface):
        self.group, self.interface = octets(group), octets(interface)
        if self.group[0] >> 4 != 14:
            raise ValueError(group)
        self.address = socket.getaddrinfo(group, port, type=socket.SOCK_DGRAM)[0][-1]
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def join(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        self.socket.bind(self.address)
        self.socket.setsockopt(socket.SOL_IP, socket.IP_ADD_MEMBERSHIP, self.group + self.interface)

    def aim(self):
        self.socket.setsockopt(socket.SOL_IP, socket.IP_MULTICAST_TTL, b"\1")
        self.socket.setsockopt(socket.SOL_IP, socket.IP_MULTICAST_LOOP, 1)
        self.socket.setsockopt(socket.SOL_IP, socket.IP_MULTICAST_IF, self.interface)


def announce(group, port, interface, message):
    with Membership(group, port, interface) as member:
        member.aim()
        member.socket.sendmsg([message], [], 0, member.address)


def hear(group, port, interface):
    with Membership(group, port, interface) as member:
        member.join()
        return member.socket.recvmsg(65507)[0]
