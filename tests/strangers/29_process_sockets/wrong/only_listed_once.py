# expect: fail
# gap: other
# cause: Equal lines are one line.
# shows: Two ends of a socketpair.
# says: is left out
import os
import socket
import struct

STATES = "? ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING".split()


def end(text):
    address, port = text.split(":")
    number = int(port, 16)
    if number == 0:
        return "-"
    count = len(address) // 8
    packed = struct.pack(f"={count}I", *struct.unpack(f">{count}I", bytes.fromhex(address)))
    if count == 1:
        return socket.inet_ntop(socket.AF_INET, packed) + ":" + str(number)
    return "[" + socket.inet_ntop(socket.AF_INET6, packed) + "]:" + str(number)


def table(pid, name):
    try:
        with open(f"/proc/{pid}/net/{name}", "rb") as file:
            data = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return data.split(b"\n")[1:-1]


def status(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        return chr(file.read().split(b")")[-1].split()[0][0])


def find(pid):
    if status(pid) == "Z":
        return []
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            link = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if link.startswith("socket:"):
            inodes.add(link[8:-1].encode())
    lines = []
    for name in ["tcp", "tcp6", "udp", "udp6"]:
        for row in table(pid, name):
            columns = row.split()
            if columns[9] not in inodes:
                continue
            state = STATES[int(columns[3], 16)]
            if name.startswith("udp") and state == "CLOSE":
                state = "UNCONN"
            ends = [end(column.decode()) for column in columns[1:3]]
            lines.append(" ".join([name, state] + ends).encode())
    for row in table(pid, "unix"):
        columns = row.split(maxsplit=6)
        inode, _, name = columns[6].partition(b" ")
        if inode not in inodes:
            continue
        state = b"CONNECTED" if columns[5] == b"03" else b"UNCONN"
        if int(columns[3], 16) & 0x10000:
            state = b"LISTEN"
        lines.append(b"unix " + state + b" " + (name or b"-"))
    return [os.fsdecode(line) for line in sorted(set(lines))]


def sockets_of(pid):
    try:
        return find(pid)
    except FileNotFoundError:
        raise ProcessLookupError(f"no process {pid}") from None
