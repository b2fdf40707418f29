"""The sockets of a process: its descriptors by what stat() says of them, its tables first."""

import os
import socket
import stat
import sys

NAMES = {
    1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT",
    7: "CLOSE", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING",
}  # fmt: skip


def state_of(pid):
    """The letter of a process' state."""
    try:
        with open(f"/proc/{pid}/status", errors="replace") as lines:
            for line in lines:
                if line.startswith("State:"):
                    return line.split()[1]
    except FileNotFoundError:
        pass
    raise ProcessLookupError(3, "No such process")


def readable(text):
    host, port = text.split(":")
    port = int(port, 16)
    if port == 0:
        return "-"
    raw = bytearray.fromhex(host)
    if sys.byteorder == "little":
        for at in range(0, len(raw), 4):
            raw[at : at + 4] = raw[at : at + 4][::-1]
    if len(raw) == 16:
        return f"[{socket.inet_ntop(socket.AF_INET6, bytes(raw))}]:{port}"
    return f"{socket.inet_ntop(socket.AF_INET, bytes(raw))}:{port}"


def lines_of(pid, table):
    """The lines of a table below its head; none where there is no such table."""
    try:
        with open(f"/proc/{pid}/net/{table}", "rb") as file:
            next(file, None)
            yield from file
    except FileNotFoundError:
        return


def tables(pid):
    """What there is to say of every socket of the network, by its inode."""
    told = {}
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for line in lines_of(pid, name):
            parts = line.decode("ascii").split()
            state = NAMES[int(parts[3], 16)]
            if name[:3] == "udp" and state == "CLOSE":
                state = "UNCONN"
            told[int(parts[9])] = " ".join([name, state, readable(parts[1]), readable(parts[2])])
    for line in lines_of(pid, "unix"):
        parts = line.rstrip(b"\n").split(None, 6)
        inode, _, name = parts[6].partition(b" ")
        if int(parts[3], 16) >> 16 & 1:
            state = "LISTEN"
        elif parts[5] == b"03":
            state = "CONNECTED"
        else:
            state = "UNCONN"
        told[int(inode)] = f"unix {state} {os.fsdecode(name) or '-'}"
    return told


def inodes(pid):
    seen = []
    with os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            try:
                status = os.stat(entry.path)
            except FileNotFoundError:
                continue
            if stat.S_ISSOCK(status.st_mode) and status.st_ino not in seen:
                seen.append(status.st_ino)
    return seen


def sockets_of(pid: int) -> list[str]:
    if state_of(pid) == "Z":
        return []
    try:
        told = tables(pid)
        lines = [told[inode] for inode in inodes(pid) if inode in told]
    except (FileNotFoundError, PermissionError):
        if state_of(pid) == "Z":
            return []
        raise
    lines.sort(key=lambda line: line.encode("utf-8", "surrogateescape"))
    return lines
