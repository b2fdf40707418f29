# expect: fail
# gap: other
# cause: Four bytes are taken off the end of every frame for its check sequence, which a capture does not have.
# shows: Any frame that has no filling.
# says: 'truncated' as item 4 of 4
"""The frame as one integer; fields are cut out of it by bit positions."""
import ipaddress


class Bits:
    def __init__(self, data):
        self.n = int.from_bytes(data, "big")
        self.size = 8 * len(data)

    def __call__(self, start, width):
        return (self.n >> (self.size - start - width)) & ((1 << width) - 1)


def ones_sum(data):
    n = int.from_bytes(data + b"\0" * (len(data) % 2), "big")
    if n == 0:
        return 0
    return n % 0xFFFF or 0xFFFF


def hexmac(n):
    text = f"{n:012x}"
    return ":".join(text[i : i + 2] for i in range(0, 12, 2))


def peel(frame: bytes) -> list[str]:
    if len(frame) < 14:
        return ["truncated"]
    b = Bits(frame[:14])
    lines = [f"ethernet {hexmac(b(48, 48))} > {hexmac(b(0, 48))}"]
    kind = b(96, 16)
    if kind not in (0x0800, 0x86DD):
        lines.append(f"payload {len(frame) - 18}")
        return lines
    packet = frame[14:-4]
    if kind == 0x0800:
        ended = ipv4(packet, lines)
    else:
        ended = ipv6(packet, lines)
    lines.append(ended)
    return lines


def ipv4(packet, lines):
    if len(packet) < 20:
        return "truncated"
    b = Bits(packet[:20])
    hlen, total = b(4, 4) * 4, b(16, 16)
    if b(0, 4) != 4 or not 20 <= hlen <= total:
        return "malformed"
    if hlen > len(packet):
        return "truncated"
    lines.append(f"ipv4 {ipaddress.IPv4Address(b(96, 32))} > {ipaddress.IPv4Address(b(128, 32))} ttl {b(64, 8)}")
    if ones_sum(packet[:hlen]) != 0xFFFF:
        lines.append("checksum bad")
    if b(51, 13) != 0:
        return finish(packet[hlen:total], total - hlen, total - hlen)
    return above(packet[hlen:total], total - hlen, b(72, 8), packet[12:20], b(50, 1), {1: icmp, 6: tcp, 17: udp}, lines)


def ipv6(packet, lines):
    if len(packet) < 40:
        return "truncated"
    b = Bits(packet[:40])
    if b(0, 4) != 6:
        return "malformed"
    lines.append(f"ipv6 {ipaddress.IPv6Address(b(64, 128))} > {ipaddress.IPv6Address(b(192, 128))} hop {b(56, 8)}")
    size = b(32, 16)
    return above(packet[40 : 40 + size], size, b(48, 8), packet[8:40], 0, {58: icmp, 6: tcp, 17: udp}, lines)


def finish(data, size, payload):
    return "truncated" if len(data) < size else f"payload {payload}"


def above(data, size, protocol, addresses, more, table, lines):
    if protocol not in table:
        return finish(data, size, size)
    least = 20 if protocol == 6 else 8
    if size < least:
        return "malformed"
    if len(data) < least:
        return "truncated"
    return table[protocol](data, size, protocol, addresses, more, lines)


def check(data, n, protocol, addresses, more, lines):
    if more or len(data) < n:
        return
    extra = addresses + n.to_bytes(4, "big") + protocol.to_bytes(4, "big") if protocol != 1 else b""
    if ones_sum(extra + data[:n]) != 0xFFFF:
        lines.append("checksum bad")


def tcp(data, size, protocol, addresses, more, lines):
    b = Bits(data[:20])
    hlen = 4 * b(96, 4)
    if hlen < 20 or hlen > size:
        return "malformed"
    if hlen > len(data):
        return "truncated"
    flags = "".join(name for i, name in enumerate("CEUAPRSF") if b(104 + i, 1))[::-1]
    lines.append(f"tcp {b(0, 16)} > {b(16, 16)} flags {flags or '-'} seq {b(32, 32)} ack {b(64, 32)}")
    check(data, size, protocol, addresses, more, lines)
    return finish(data, size, size - hlen)


def udp(data, size, protocol, addresses, more, lines):
    b = Bits(data[:8])
    length = b(32, 16)
    if length < 8 or (length > size and not more):
        return "malformed"
    lines.append(f"udp {b(0, 16)} > {b(16, 16)}")
    if b(48, 16) or len(addresses) == 32:
        check(data, length, protocol, addresses, more, lines)
    return finish(data, size, min(size, length) - 8)


def icmp(data, size, protocol, addresses, more, lines):
    lines.append(f"icmp type {data[0]} code {data[1]}")
    check(data, size, protocol, addresses, more, lines)
    return finish(data, size, size - 8)
