"""The sockets of a process: paths of pathlib, tables taken apart by regular expressions."""

import errno
import os
import re
import struct
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

_INTERNET = re.compile(
    rb"\s*\d+: (?P<here>[0-9A-F]+):(?P<port>[0-9A-F]{4}) (?P<there>[0-9A-F]+):(?P<other>[0-9A-F]{4})"
    rb" (?P<state>[0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (?P<inode>\d+) .*"
)
_UNIX = re.compile(
    rb"[0-9a-f]+: \S+ \S+ (?P<flags>[0-9A-F]{8}) \S+ (?P<state>[0-9A-F]{2}) +(?P<inode>\d+)(?: (?P<name>.*))?",
    re.DOTALL,
)
_STATES = dict(
    enumerate(
        "ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING".split(),
        start=1,
    )
)


def _end(address: bytes, port: bytes) -> bytes:
    number = int(port, 16)
    if not number:
        return b"-"
    raw = bytes.fromhex(address.decode())
    count = len(raw) // 4
    words = struct.unpack(f">{count}I", raw)
    packed = struct.pack(f"={count}I", *words)
    if count == 1:
        return f"{IPv4Address(packed)}:{number}".encode()
    ip = IPv6Address(packed)
    text = f"::ffff:{ip.ipv4_mapped}" if ip.ipv4_mapped else str(ip)
    return f"[{text}]:{number}".encode()


def _table(root: Path, name: str) -> list[bytes]:
    try:
        return (root / "net" / name).read_bytes().split(b"\n")[1:]
    except FileNotFoundError:
        return []


def _own(root: Path) -> set[bytes]:
    found = set()
    for link in (root / "fd").iterdir():
        try:
            target = os.fsencode(os.readlink(link))
        except FileNotFoundError:
            continue
        if match := re.fullmatch(rb"socket:\[(\d+)\]", target):
            found.add(match[1])
    return found


def sockets_of(pid: int) -> list[str]:
    root = Path("/proc") / str(pid)
    try:
        stat = (root / "stat").read_bytes()
        if stat[stat.rindex(b")") + 2 :][:1] == b"Z":
            return []
        own = _own(root)
    except FileNotFoundError:
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from None
    lines = []
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for row in _table(root, name):
            if (match := _INTERNET.fullmatch(row)) and match["inode"] in own:
                state = _STATES[int(match["state"], 16)]
                if name.startswith("udp"):
                    state = {"CLOSE": "UNCONN"}.get(state, state)
                ends = _end(match["here"], match["port"]), _end(match["there"], match["other"])
                lines.append(b" ".join((name.encode(), state.encode(), *ends)))
    for row in _table(root, "unix"):
        if (match := _UNIX.fullmatch(row)) and match["inode"] in own:
            state = {b"03": b"CONNECTED"}.get(match["state"], b"UNCONN")
            if int(match["flags"], 16) & 0x10000:
                state = b"LISTEN"
            lines.append(b" ".join((b"unix", state, match["name"] or b"-")))
    return [os.fsdecode(line) for line in sorted(lines)]
