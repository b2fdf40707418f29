# expect: fail
# gap: other
# cause: In a first fragment the length of UDP, which is that of the whole datagram, is called malformed.
# shows: The first fragment of a UDP datagram.
# says: the length of UDP is that of the whole datagram
"""Each step says its line and which step is next; a loop goes from one to the other."""
import struct
from dataclasses import dataclass, field
from socket import AF_INET, AF_INET6, inet_ntop

CHECK = "checksum bad"


@dataclass
class State:
    frame: bytes
    at: int = 0                 # where the current layer begins
    end: int | None = None      # where it ends, if somebody has said so
    v: int = 0
    proto: int = 0
    pseudo: bytes = b""
    more: int = 0
    lines: list = field(default_factory=list)

    def room(self):
        return 1 << 32 if self.end is None else self.end - self.at

    def have(self):
        end = len(self.frame) if self.end is None else min(self.end, len(self.frame))
        return max(end - self.at, 0)

    def lacking(self, n):
        if self.room() < n:
            return "malformed"
        if self.have() < n:
            return "truncated"

    def u16(self, off):
        return struct.unpack_from("!H", self.frame, self.at + off)[0]

    def u32(self, off):
        return struct.unpack_from("!I", self.frame, self.at + off)[0]


def fold(data):
    s = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2]))
    if len(data) % 2:
        s += data[-1] << 8
    s = (s >> 16) + (s & 0xFFFF)
    s += s >> 16
    return s & 0xFFFF


def verify(st, n):
    if st.more or st.have() < n:
        return
    head = b"" if st.proto == 1 else st.pseudo + struct.pack("!HH", st.proto, n)
    if fold(head + st.frame[st.at : st.at + n]) != 0xFFFF:
        st.lines.append(CHECK)


def link(st):
    if why := st.lacking(14):
        return why
    f = st.frame
    st.lines.append("ethernet " + f[6:12].hex(":") + " > " + f[:6].hex(":"))
    kind = st.u16(12)
    st.at = 14
    return {0x0800: four, 0x86DD: six}.get(kind, done)


def four(st):
    if why := st.lacking(20):
        return why
    b = st.frame[st.at]
    n, total = (b & 15) * 4, st.u16(2)
    if b >> 4 != 4 or n < 20 or n > total:
        return "malformed"
    if why := st.lacking(n):
        return why
    head = st.frame[st.at : st.at + n]
    st.lines.append(f"ipv4 {inet_ntop(AF_INET, head[12:16])} > {inet_ntop(AF_INET, head[16:20])} ttl {head[8]}")
    if fold(head) != 0xFFFF:
        st.lines.append(CHECK)
    frag = st.u16(6)
    st.v, st.proto, st.pseudo, st.more = 4, head[9], head[12:20], frag & 0x2000
    st.end = st.at + total
    st.at += n
    return done if frag & 0x1FFF else {1: icmp, 6: tcp, 17: udp}.get(st.proto, done)


def six(st):
    if why := st.lacking(40):
        return why
    head = st.frame[st.at : st.at + 40]
    if head[0] >> 4 != 6:
        return "malformed"
    st.lines.append(f"ipv6 {inet_ntop(AF_INET6, head[8:24])} > {inet_ntop(AF_INET6, head[24:])} hop {head[7]}")
    st.v, st.proto, st.pseudo = 6, head[6], head[8:]
    st.end = st.at + 40 + st.u16(4)
    st.at += 40
    return {58: icmp, 6: tcp, 17: udp}.get(st.proto, done)


def tcp(st):
    if why := st.lacking(20):
        return why
    n = (st.frame[st.at + 12] >> 4) * 4
    if n < 20:
        return "malformed"
    if why := st.lacking(n):
        return why
    bits = st.frame[st.at + 13]
    flags = ""
    for name in "FSRPAUEC":
        if bits & 1:
            flags += name
        bits >>= 1
    st.lines.append(f"tcp {st.u16(0)} > {st.u16(2)} flags {flags or '-'} seq {st.u32(4)} ack {st.u32(8)}")
    verify(st, st.room())
    st.at += n
    return done


def udp(st):
    if why := st.lacking(8):
        return why
    n = st.u16(4)
    if n < 8 or n > st.room():
        return "malformed"
    st.lines.append(f"udp {st.u16(0)} > {st.u16(2)}")
    if st.v == 6 or st.u16(6):
        verify(st, n)
    if st.have() < st.room():
        return "truncated"
    st.end = min(st.end, st.at + n)
    st.at += 8
    return done


def icmp(st):
    if why := st.lacking(8):
        return why
    st.lines.append("icmp type {} code {}".format(*st.frame[st.at : st.at + 2]))
    verify(st, st.room())
    st.at += 8
    return done


def done(st):
    if st.end is not None and st.have() < st.room():
        return "truncated"
    return f"payload {st.have()}"


def peel(frame: bytes) -> list[str]:
    st, step = State(frame), link
    while callable(step):
        step = step(st)
    return [*st.lines, step]
