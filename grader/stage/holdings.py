"""Which TCP connections a program holds, and whether anybody is at the other end.

From the kernel's tables (`tcp_table`), so that it is the same for
processes, threads and a single loop, in either language.  The two ends of a
connection are two lines of one table, with their ports exchanged; an end that no
program holds, not accepted yet or closed already, has inode 0.
"""

from __future__ import annotations

from pathlib import Path

from grader.learner.kit import KIT_DESCRIPTORS
from grader.processes import tcp_table
from grader.processes.sockets import sockets_of
from grader.processes.tcp_table import End
from grader.stage.on_stage import OnStage
from grader.trace.reader import Call

#: Where sockets that are not TCP's have their lines, and in which column their inode.
_OTHER_TABLES = {"udp": 9, "udp6": 9, "unix": 6, "raw": 9, "raw6": 9, "netlink": 9, "packet": 8}


def deserted(scene: OnStage) -> list[int]:
    """Descriptors of the program, in whichever of its processes, for
    connections whose other end is gone."""
    table = tcp_table.ends()
    held = _held(scene, table)
    ours = {inode for peer in scene.company.peers for inode in _sockets(peer.pid).values()}
    alive = {(end.other, end.port) for end in table if end.inode in ours}
    by_inode = {end.inode: end for end in table}
    return [fd for fd, inode in held if inode not in by_inode or _pair(by_inode[inode]) not in alive]


def numbers(scene: OnStage) -> list[int]:
    """Descriptors of the program for connections, in ascending order."""
    return sorted(fd for fd, _inode in _held(scene, tcp_table.ends()))


def listeners(scene: OnStage) -> list[int]:
    """Processes of the program that hold a listening socket."""
    listening = {end.inode for end in tcp_table.ends() if end.state == tcp_table.LISTEN}
    return [pid for pid in scene.process.family() if listening & set(_sockets(pid).values())]


#: A client's connection: its own port and the program's.  One port alone does
#: not tell it: the kernel gives a port to clients of different servers at once.
Ports = tuple[int, int]


def _program_ends(ports: Ports) -> list[End]:
    """The program's end of a client's connection, if the kernel has it still."""
    return [end for end in tcp_table.ends() if (end.other, end.port) == ports]


def is_accepted(ports: Ports) -> bool:
    """Whether the program's end of a connection has been accepted."""
    return any(end.inode for end in _program_ends(ports))


def is_open(ports: Ports) -> bool:
    """Whether a client's connection is there, accepted or in the backlog."""
    return bool(_program_ends(ports))


def queued(scene: OnStage) -> list[str]:
    """Who has connected and has not been accepted."""
    table = {(end.other, end.port): end.inode for end in tcp_table.ends()}
    return [party.name for party in scene.company.connected if table.get(party.ports) == 0]


def is_ended(ports: Ports) -> bool:
    """Whether the program has closed its end of a connection that its client
    still has."""
    closing = (tcp_table.FIN_WAIT1, tcp_table.FIN_WAIT2)
    left = _program_ends(ports)
    return not left or any(end.state in closing for end in left)


def unread(ports: Ports) -> int:
    """How many bytes of a client lie unread at the program's end."""
    return sum(end.unread for end in _program_ends(ports))


def unsent(ports: Ports) -> int:
    """How many bytes of the program's wait until its client has room for them."""
    return sum(end.unsent for end in _program_ends(ports))


def ports_of(inode: int) -> Ports | None:
    """The connection that the program's socket of that inode is the end of."""
    return next(((end.other, end.port) for end in tcp_table.ends() if end.inode == inode), None)


def calls_on(scene: OnStage, ports: Ports) -> list[Call]:
    """What the program has called on a client's connection, in every process and
    through every duplicate, from its accept() on."""
    found: list[Call] = []
    holders: set[tuple[int, int]] = set()  # process and number
    for call in scene.process.trace.calls:
        own = (call.pid, call.fd)
        if own in holders:
            found.append(call)
        if not call.done or call.failed:
            continue
        if call.any_of("accept"):
            holders.discard((call.pid, call.result))
            if call.address and call.address[1] == ports[0]:
                holders.add((call.pid, call.result))
        elif call.name == "dup" and own in holders:
            holders.add((call.pid, call.result))
        elif call.name == "fork":
            holders |= {(call.result, number) for pid, number in holders if pid == call.pid}
        elif call.name in ("close", "abandon"):
            holders.discard(own)
    return found


def last_call(scene: OnStage, ports: Ports) -> Call | None:
    """What the program last sent or received on a connection."""
    calls = reversed(calls_on(scene, ports))
    return next((c for c in calls if c.any_of("send") or c.any_of("recv")), None)


def has_taken_all(ports: Ports) -> bool:
    """Whether the program has received everything that its client has sent."""
    table = tcp_table.ends()
    return any(_pair(end) == ports and not end.unsent for end in table) and any(
        (end.other, end.port) == ports and end.inode and not end.unread for end in table
    )


def _held(scene: OnStage, table: list[End]) -> list[tuple[int, int]]:
    """Descriptor and inode of each connection that the program holds.

    A reset takes a socket out of every table: one that is in none of them is a
    connection if accept() has ever returned its number.
    """
    sockets = [pair for pid in scene.process.family() for pair in _sockets(pid).items()]
    listening = {end.inode for end in table if end.state == tcp_table.LISTEN}
    connected = {end.inode for end in table} - listening
    held = [(fd, inode) for fd, inode in sockets if inode in connected]
    nameless = [(fd, inode) for fd, inode in sockets if inode not in connected | listening]
    if nameless:
        accepted = {c.result for c in scene.process.trace.calls if (c.any_of("accept") or c.name == "dup") and c.done}
        others = _other_inodes()
        held += [(fd, inode) for fd, inode in nameless if fd in accepted and inode not in others]
    return held


def _pair(end: End) -> tuple[int, int]:
    return end.port, end.other


def _sockets(pid: int) -> dict[int, int]:
    """Descriptor -> inode of the sockets of a process, the kit's own left out."""
    return {number: inode for number, inode in sockets_of(pid).items() if number < KIT_DESCRIPTORS}


def _other_inodes() -> set[int]:
    return {
        int(fields[column])
        for table, column in _OTHER_TABLES.items()
        for fields in map(str.split, _lines(table))
        if len(fields) > column and fields[column].isdigit()
    }


def _lines(table: str) -> list[str]:
    path = Path(f"/proc/net/{table}")
    return path.read_text().splitlines()[1:] if path.exists() else []
