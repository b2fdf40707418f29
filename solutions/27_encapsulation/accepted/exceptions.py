"""A reader that knows two ends, and two exceptions for what is not there."""

import ipaddress
import struct


class Truncated(Exception):
    """The capture ends before a length says so."""


class Malformed(Exception):
    """A header contradicts itself, or the layer around it."""


class Layer:
    """Bytes of which more may have been on the wire than were captured."""

    def __init__(self, data, length=None):
        self.length = length
        self.data = data if length is None else data[:length]

    def header(self, size):
        if self.length is not None and size > self.length:
            raise Malformed
        if size > len(self.data):
            raise Truncated
        return self.data[:size]

    def without(self, header, length=None):
        rest = None if self.length is None else self.length - header
        return Layer(self.data[header:], rest if length is None else length - header)

    @property
    def is_whole(self):
        return self.length is None or len(self.data) == self.length


def peel(frame: bytes) -> list[str]:
    lines = []
    try:
        rest = ethernet(Layer(frame), lines)
        if not rest.is_whole:
            raise Truncated
        lines.append(f"payload {len(rest.data)}")
    except (Truncated, Malformed) as found:
        lines.append(type(found).__name__.lower())
    return lines


def ethernet(layer, lines):
    header = layer.header(14)
    mac = [":".join(f"{byte:02x}" for byte in header[at : at + 6]) for at in (6, 0)]
    lines.append("ethernet {} > {}".format(*mac))
    inner = {b"\x08\x00": ipv4, b"\x86\xdd": ipv6}.get(header[12:14])
    rest = layer.without(14)
    return inner(rest, lines) if inner else rest


def ipv4(layer, lines):
    header = layer.header(20)
    size, total = 4 * (header[0] % 16), number(header[2:4])
    if header[0] // 16 != 4 or size < 20 or size > total:
        raise Malformed
    header = layer.header(size)
    source, to = (ipaddress.IPv4Address(header[at : at + 4]) for at in (12, 16))
    lines.append(f"ipv4 {source} > {to} ttl {header[8]}")
    if not adds_up(header):
        lines.append("checksum bad")
    rest = layer.without(size, total)
    place = number(header[6:8])
    if place % 0x2000:
        return rest
    pseudo = None if place & 0x2000 else header[12:20]
    return transport(rest, lines, {1: icmp, 6: tcp, 17: udp}, header[9], pseudo, 4)


def ipv6(layer, lines):
    header = layer.header(40)
    if header[0] // 16 != 6:
        raise Malformed
    source, to = (ipaddress.IPv6Address(header[at : at + 16]) for at in (8, 24))
    lines.append(f"ipv6 {source} > {to} hop {header[7]}")
    rest = layer.without(40, 40 + number(header[4:6]))
    return transport(rest, lines, {58: icmp, 6: tcp, 17: udp}, header[6], header[8:40], 6)


def transport(layer, lines, known, protocol, addresses, version):
    """addresses are those of the pseudo-header, or None where no sum can be judged."""
    if protocol not in known:
        return layer

    def judge(length):
        if addresses is None or length > len(layer.data):
            return
        pseudo = addresses + struct.pack("!LL", length, protocol) if protocol != 1 else b""
        if not adds_up(pseudo + layer.data[:length]):
            lines.append("checksum bad")

    return known[protocol](layer, lines, judge, addresses is None, version)


def tcp(layer, lines, judge, _in_pieces, _version):
    header = layer.header(20)
    size = 4 * (header[12] // 16)
    if size < 20:
        raise Malformed
    layer.header(size)
    source, to, seq, ack = struct.unpack(">HHLL", header[:12])
    flags = "".join("FSRPAUEC"[bit] for bit in range(8) if header[13] & 1 << bit)
    lines.append(f"tcp {source} > {to} flags {flags or '-'} seq {seq} ack {ack}")
    judge(layer.length)
    return layer.without(size)


def udp(layer, lines, judge, in_pieces, version):
    source, to, length, check = struct.unpack(">4H", layer.header(8))
    if length < 8 or (length > layer.length and not in_pieces):
        raise Malformed
    lines.append(f"udp {source} > {to}")
    if version == 6 or check:
        judge(length)
    if not layer.is_whole:
        raise Truncated
    return layer.without(8, min(length, layer.length))


def icmp(layer, lines, judge, _in_pieces, _version):
    kind, code = layer.header(8)[:2]
    lines.append(f"icmp type {kind} code {code}")
    judge(layer.length)
    return layer.without(8)


def number(data):
    return int.from_bytes(data, "big")


def adds_up(data):
    """Ones' complement: a sum modulo 65535."""
    total = number(data + bytes(len(data) % 2))
    return total % 0xFFFF == 0 and total > 0
