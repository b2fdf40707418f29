"""The sockets of a process, as the kernel tells of them in /proc."""

import os
import socket
from collections.abc import Iterator

# The states of TCP, by their numbers (netinet/tcp.h).
STATES = [
    *("", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT"),
    *("CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"),
]
CLOSE = 7  # that of a UDP socket without a peer, too
LISTENS = 0x10000  # a flag of Unix sockets
CONNECTED = 3  # and a state


def sockets_of(pid: int) -> list[str]:
    """A line for each socket of a process, sorted by bytes.

    Raises:
        ProcessLookupError: there is no such process.
        PermissionError: it is another user's.
    """
    try:
        inodes = inodes_of(pid)
    except PermissionError:
        if is_zombie(pid):
            return []  # it has nothing open, and is nobody's
        raise
    lines = dict(unix_sockets(pid))
    for table in ("tcp", "udp"):
        lines |= internet_sockets(pid, table)
    return sorted(lines.values(), key=os.fsencode)


def inodes_of(pid: int) -> list[str]:
    """The inodes of the sockets that a process has open.

    Raises:
        ProcessLookupError: there is no such process.
        PermissionError: it is another user's, or a zombie.
    """
    inodes = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{number}")
        if target.startswith("socket:["):
            inodes.append(target[8:-1])
    return inodes


def is_zombie(pid: int) -> bool:
    """Whether a process has ended, if it is still to be waited for."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2].startswith(b"X")
    except FileNotFoundError:
        return True  # that has happened meanwhile


def rows(pid: int, table: str) -> list[str]:
    """The rows of a table of the network that a process is in."""
    try:
        with open(f"/proc/net/{table}", "rb") as file:
            return os.fsdecode(file.read()).split("\n")[1:-1]
    except FileNotFoundError:
        return []  # no such protocol here


def internet_sockets(pid: int, table: str) -> Iterator[tuple[str, str]]:
    """Inode and line of each socket of TCP or UDP."""
    for row in rows(pid, table):
        _, local, remote, number, _, _, _, _, _, inode, *_ = row.split()
        state = STATES[int(number, 16)]
        if table.startswith("udp") and int(number, 16) == CLOSE:
            state = "UNCONN"
        yield inode, f"{table} {state} {endpoint(local)} {endpoint(remote)}"


def endpoint(text: str) -> str:
    """An endpoint of a table, as people write it; "-" for none.

    The address is in words of 32 bits, each as a number of this machine.
    """
    address, _, port = text.partition(":")
    if int(port, 16) == 0:
        return "-"
    words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    packed = b"".join(word.to_bytes(4, "big") for word in words)
    if len(words) == 1:
        return f"{socket.inet_ntop(socket.AF_INET, packed)}:{int(port, 16)}"
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]:{int(port, 16)}"


def unix_sockets(pid: int) -> Iterator[tuple[str, str]]:
    """Inode and line of each socket of the Unix domain."""
    for row in rows(pid, "unix"):
        _, _, _, flags, _, number, rest = row.split(maxsplit=6)
        inode, name, *_ = [*rest.split(), ""]
        state = "CONNECTED" if int(number, 16) == CONNECTED else "UNCONN"
        if int(flags, 16) & LISTENS:
            state = "LISTEN"
        yield inode, f"unix {state} {name or '-'}"
