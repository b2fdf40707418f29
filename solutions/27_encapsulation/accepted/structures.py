"""Headers as structures in network byte order, sums as the sender makes them."""

from ctypes import BigEndianStructure, c_uint8, c_uint16, c_uint32, sizeof
from ipaddress import ip_address

BYTE, WORD, LONG = c_uint8, c_uint16, c_uint32


class Ethernet(BigEndianStructure):
    _pack_ = 1
    _fields_ = [("to", BYTE * 6), ("source", BYTE * 6), ("kind", WORD)]


class IPv4(BigEndianStructure):
    _pack_ = 1
    _fields_ = [
        ("version", BYTE, 4), ("words", BYTE, 4), ("service", BYTE), ("total", WORD), ("number", WORD),
        ("reserved", WORD, 1), ("whole", WORD, 1), ("more", WORD, 1), ("offset", WORD, 13),
        ("ttl", BYTE), ("protocol", BYTE), ("sum", WORD), ("source", BYTE * 4), ("to", BYTE * 4),
    ]  # fmt: skip


class IPv6(BigEndianStructure):
    _pack_ = 1
    _fields_ = [
        ("version", LONG, 4), ("traffic", LONG, 8), ("flow", LONG, 20),
        ("length", WORD), ("protocol", BYTE), ("hop", BYTE), ("source", BYTE * 16), ("to", BYTE * 16),
    ]  # fmt: skip


class TCP(BigEndianStructure):
    _pack_ = 1
    _fields_ = [
        ("source", WORD), ("to", WORD), ("seq", LONG), ("ack", LONG), ("words", BYTE, 4), ("reserved", BYTE, 4),
        ("flags", BYTE), ("window", WORD), ("sum", WORD), ("urgent", WORD),
    ]  # fmt: skip


class UDP(BigEndianStructure):
    _pack_ = 1
    _fields_ = [("source", WORD), ("to", WORD), ("length", WORD), ("sum", WORD)]


class ICMP(BigEndianStructure):
    _pack_ = 1
    _fields_ = [("type", BYTE), ("code", BYTE), ("sum", WORD), ("rest", LONG)]


class Stop(Exception):
    """Carries the last line."""


def peel(frame: bytes) -> list[str]:
    lines: list[str] = []
    try:
        size = peel_frame(frame, lines.append)
    except Stop as stop:
        return lines + list(stop.args)
    return [*lines, f"payload {size}"]


def header(kind, data, room):
    if room < sizeof(kind):
        raise Stop("malformed")
    if len(data) < sizeof(kind):
        raise Stop("truncated")
    return kind.from_buffer_copy(data)


def peel_frame(frame, say):
    ether = header(Ethernet, frame, 1 << 30)
    say("ethernet " + " > ".join(bytes(mac).hex(":") for mac in (ether.source, ether.to)))
    packet = frame[sizeof(Ethernet) :]
    if ether.kind == 0x0800:
        ip = header(IPv4, packet, 1 << 30)
        start, end = ip.words * 4, ip.total
        if ip.version != 4 or start < sizeof(IPv4) or start > end:
            raise Stop("malformed")
        if start > len(packet):
            raise Stop("truncated")
        say(f"ipv4 {ip_address(bytes(ip.source))} > {ip_address(bytes(ip.to))} ttl {ip.ttl}")
        judge(packet[:start], 10, say)
        offset, more, icmp = ip.offset, ip.more, 1
    elif ether.kind == 0x86DD:
        ip = header(IPv6, packet, 1 << 30)
        start, end = 40, 40 + ip.length
        if ip.version != 6:
            raise Stop("malformed")
        say(f"ipv6 {ip_address(bytes(ip.source))} > {ip_address(bytes(ip.to))} hop {ip.hop}")
        offset, more, icmp = 0, 0, 58
    else:
        return len(packet)
    data, room = packet[start:end], end - start
    size = room
    if ip.protocol in (6, 17, icmp) and offset == 0:
        size = peel_transport(ip, data, room, more, say)
    if len(data) < room:
        raise Stop("truncated")
    return size


def peel_transport(ip, data, room, more, say):
    pseudo = bytes(ip.source) + bytes(ip.to)
    if ip.protocol == 6:
        tcp, length, at = header(TCP, data, room), room, 16
        size = tcp.words * 4
        if size < sizeof(TCP) or size > room:
            raise Stop("malformed")
        if size > len(data):
            raise Stop("truncated")
        flags = "".join(name for bit, name in enumerate("FSRPAUEC") if tcp.flags >> bit & 1)
        say(f"tcp {tcp.source} > {tcp.to} flags {flags or '-'} seq {tcp.seq} ack {tcp.ack}")
        size = room - size
    elif ip.protocol == 17:
        udp, at = header(UDP, data, room), 6
        length = udp.length
        if length < 8 or (length > room and not more):
            raise Stop("malformed")
        say(f"udp {udp.source} > {udp.to}")
        size = min(length, room) - 8
        if udp.sum == 0 and ip.version == 4:
            return size
    else:
        icmp, length, at = header(ICMP, data, room), room, 2
        say(f"icmp type {icmp.type} code {icmp.code}")
        size = room - 8
    if not more and len(data) >= length:
        pseudo = b"" if ip.protocol == 1 else pseudo + bytes((0, ip.protocol)) + length.to_bytes(2, "big")
        judge(pseudo + data[:length], len(pseudo) + at, say)
    return size


def judge(data, at, say):
    """Make the sum that the sender has made, and compare the two."""
    told = int.from_bytes(data[at : at + 2], "big")
    zeroed = data[:at] + bytes(2) + data[at + 2 :]
    total = 0
    for byte in range(0, len(zeroed), 2):
        total += int.from_bytes(zeroed[byte : byte + 2].ljust(2, b"\0"), "big")
        total = (total & 0xFFFF) + (total >> 16)
    made = total ^ 0xFFFF
    if told != made and (told, made) != (0xFFFF, 0):
        say("checksum bad")
