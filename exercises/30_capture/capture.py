"""Packets of one port, off an interface and into a pcap file."""

import socket
import struct
import time
from typing import BinaryIO

LIMIT = 262144  # what the file calls its snap length
ETHERNET = 1  # the link type of the file
ETH_P_ALL = 0x0003  # <linux/if_ether.h>: frames of every protocol
IPV4, IPV6 = 0x0800, 0x86DD
TCP, UDP = 6, 17
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
LOOPBACK = 772  # <linux/if_arp.h>, ARPHRD_LOOPBACK


def capture(interface: str, port: int, count: int, path: str) -> None:
    """Write the next count packets of a port that pass an interface to a pcap file.

    Raises:
        ValueError: there is no such port, or no such number of packets.
        OSError: no such interface, or none that is up; the file cannot be written:
            it is there only if it was before.
    """
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, ETH_P_ALL) as sock:
        socket.if_nametoindex(interface)
        with open(path, "wb") as file:
            write_packets(file, sock, port, count)


def write_packets(file: BinaryIO, sock: socket.socket, port: int, count: int) -> None:
    """Write the header of a file, and each packet of the port behind a record of its own."""
    file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, LIMIT, ETHERNET))
    while count > 0:
        frame, (_name, _protocol, way, hardware, _address) = sock.recvfrom(65536)
        if way == socket.PACKET_OUTGOING and hardware != LOOPBACK:
            continue
        if port in ports(frame):
            seconds, nanoseconds = divmod(time.time_ns(), 10**9)
            file.write(struct.pack("=4I", seconds, nanoseconds // 1000, len(frame), len(frame)) + frame)
            count -= 1


def ports(frame: bytes) -> tuple[int, ...]:
    """The ports of a TCP or UDP packet, from and to; none of another frame."""
    kind = int.from_bytes(frame[12:14], "big")
    inside = of_ipv4(frame[14:]) if kind == IPV4 else of_ipv6(frame[14:]) if kind == IPV6 else b""
    return struct.unpack_from("!HH", inside) if len(inside) >= 4 else ()


def of_ipv4(packet: bytes) -> bytes:
    """What TCP or UDP has in a packet that begins with its ports; b"" of another packet."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return b""
    size = 20
    length, _number, fragment = struct.unpack_from("!3H", packet, 2)
    if fragment & 0x1FFF or packet[9] not in (TCP, UDP):
        return b""
    return packet[size:length]


def of_ipv6(packet: bytes) -> bytes:
    """The same, behind extension headers too."""
    if len(packet) < 40 or packet[0] >> 4 != 6:
        return b""
    (length,) = struct.unpack_from("!H", packet, 4)
    protocol, rest = packet[6], packet[40 : 40 + length]
    while protocol in (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION) and len(rest) >= 8:
        size = 8 if protocol == FRAGMENT else 8 + rest[1] * 8
        if protocol == FRAGMENT and int.from_bytes(rest[2:4], "big") >> 3:
            return b""
        protocol, rest = rest[0], rest[size:]
    return rest if protocol in (TCP, UDP) else b""
