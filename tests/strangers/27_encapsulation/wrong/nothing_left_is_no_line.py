# expect: fail
# gap: other
# cause: Where no bytes are left, there is no line for them.
# shows: A frame without payload.
# says: 'payload 0' is left out
import io
import socket
import struct
from typing import NamedTuple


class Stop(Exception):
    pass


class Inner(NamedTuple):
    v6: bool
    proto: int
    size: int
    addrs: bytes
    first_of_many: bool


def take(stream, size, room=None):
    if room is not None and room < size:
        raise Stop("malformed")
    data = stream.read(size)
    if len(data) < size:
        raise Stop("truncated")
    return data


def inet_sum(*parts):
    data = b"".join(parts)
    if len(data) & 1:
        data += b"\x00"
    acc = 0
    for hi, lo in zip(data[::2], data[1::2]):
        acc += hi * 256 + lo
        acc = (acc & 65535) + (acc >> 16)
    return acc


def mac(raw):
    return ":".join("%02x" % b for b in raw)


def peel(frame: bytes) -> list[str]:
    out = []
    try:
        rest = walk(io.BytesIO(frame), out)
    except Stop as why:
        out.append(str(why))
    else:
        if rest:
            out.append("payload %d" % rest)
    return out


def walk(stream, out):
    eth = take(stream, 14)
    out.append("ethernet %s > %s" % (mac(eth[6:12]), mac(eth[:6])))
    (etype,) = struct.unpack_from(">H", eth, 12)
    if etype == 0x800:
        head = take(stream, 20)
        ihl = (head[0] & 0xF) << 2
        tlen, _, frag = struct.unpack_from(">HHH", head, 2)
        if head[0] >> 4 != 4 or ihl < 20 or tlen < ihl:
            raise Stop("malformed")
        head += take(stream, ihl - 20)
        out.append("ipv4 %s > %s ttl %d" % (socket.inet_ntoa(head[12:16]), socket.inet_ntoa(head[16:20]), head[8]))
        if inet_sum(head) != 0xFFFF:
            out.append("checksum bad")
        inner = Inner(False, head[9], tlen - ihl, head[12:20], bool(frag & 0x2000))
        if frag & 0x1FFF:
            inner = inner._replace(proto=None)
    elif etype == 0x86DD:
        head = take(stream, 40)
        if head[0] >> 4 != 6:
            raise Stop("malformed")
        a, b = (socket.inet_ntop(socket.AF_INET6, head[i : i + 16]) for i in (8, 24))
        out.append("ipv6 %s > %s hop %d" % (a, b, head[7]))
        inner = Inner(True, head[6], head[4] << 8 | head[5], head[8:], False)
    else:
        return len(stream.read())
    body = stream.read(inner.size)
    left = upper(io.BytesIO(body), body, inner, out)
    if len(body) < inner.size:
        raise Stop("truncated")
    return left


def upper(stream, body, ip, out):
    def verify(n):
        if ip.first_of_many or n > len(body):
            return
        pseudo = b"" if ip.proto == 1 else ip.addrs + struct.pack(">HH", ip.proto, n)
        if inet_sum(pseudo, body[:n]) != 0xFFFF:
            out.append("checksum bad")

    if ip.proto == 6:
        head = take(stream, 20, ip.size)
        off = head[12] >> 4 << 2
        if off < 20 or off > ip.size:
            raise Stop("malformed")
        take(stream, off - 20)
        sport, dport, seq, ack = struct.unpack_from(">HHII", head)
        names = "".join(n for n, b in zip("FSRPAUEC", (1, 2, 4, 8, 16, 32, 64, 128)) if head[13] & b)
        out.append("tcp %d > %d flags %s seq %d ack %d" % (sport, dport, names or "-", seq, ack))
        verify(ip.size)
        return ip.size - off
    if ip.proto == 17:
        sport, dport, ulen, check = struct.unpack(">HHHH", take(stream, 8, ip.size))
        if ulen < 8 or (ulen > ip.size and not ip.first_of_many):
            raise Stop("malformed")
        out.append("udp %d > %d" % (sport, dport))
        if check or ip.v6:
            verify(ulen)
        return min(ulen, ip.size) - 8
    if ip.proto == (58 if ip.v6 else 1):
        head = take(stream, 8, ip.size)
        out.append("icmp type %d code %d" % (head[0], head[1]))
        verify(ip.size)
        return ip.size - 8
    return ip.size
