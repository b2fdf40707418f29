"""Which connections a program holds, and whether anybody is at the other end.

From the kernel's tables, so that it is the same for processes, threads and a
single loop, in either language.  Of TCP the two ends of a connection are two lines
of one table, with their ports exchanged; an end that no program holds, not
accepted yet or closed already, has inode 0.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

from grader.learner.kit import KIT_DESCRIPTORS
from grader.processes import tcp_table, unix_table
from grader.processes.network import Network
from grader.processes.sockets import sockets_of
from grader.processes.tcp_table import End
from grader.stage.links import Link
from grader.stage.on_stage import OnStage
from grader.trace.reader import Call

#: Where sockets that are neither TCP's nor of the Unix domain have their lines, and in which column their inode.
_OTHER_TABLES = {"udp": 9, "udp6": 9, "raw": 9, "raw6": 9, "netlink": 9, "packet": 8}


def deserted(scene: OnStage) -> list[int]:
    """Descriptors of the program, in whichever of its processes, for
    connections whose other end is gone."""
    network = scene.company.network
    table = tcp_table.ends(network)
    ours = {inode for peer in scene.company.peers for inode in _sockets(peer.pid).values()}
    paired = {(end.other, end.port) for end in table if end.inode in ours}
    alive = {end.inode for end in table if (end.port, end.other) in paired}
    others = [(fd, inode) for fd, inode in _held(scene, table) if inode not in alive]
    local = {inode: unix_table.end(network, inode) for _fd, inode in others}
    return [fd for fd, inode in others if local[inode] is None or local[inode].other not in ours]


def numbers(scene: OnStage) -> list[int]:
    """Descriptors of the program for connections, in ascending order."""
    return sorted(fd for fd, _inode in _held(scene, tcp_table.ends(scene.company.network)))


def listeners(scene: OnStage) -> list[int]:
    """Processes of the program that hold a listening socket."""
    network = scene.company.network
    states = {end.inode: end.state == tcp_table.LISTEN for end in tcp_table.ends(network)}

    def listens(inode: int) -> bool:
        if inode not in states:
            local = unix_table.end(network, inode)
            states[inode] = local is not None and local.state == unix_table.LISTEN
        return states[inode]

    return [pid for pid in scene.process.family() if any(map(listens, _sockets(pid).values()))]


def datagram_names(scene: OnStage) -> list[bytes]:
    """The addresses of the program's datagram sockets of the Unix domain."""
    own = {inode for pid in scene.process.family() for inode in _sockets(pid).values()}
    ends = unix_table.ends(scene.company.network)
    return sorted(end.name for end in ends if end.inode in own and end.type == socket.SOCK_DGRAM and end.name)


def queued(scene: OnStage) -> list[str]:
    """Who has connected and has not been accepted."""
    streams = [party for party in scene.company.connected if party.link.is_stream]
    return [party.name for party in streams if party.link.is_open() and not party.link.is_held()]


def unread(scene: OnStage) -> list[int]:
    """Descriptors of the program's connections in which bytes lie that it has not
    received, or an end-of-file."""
    table = tcp_table.ends(scene.company.network)
    waiting = {end.inode for end in table if end.unread and end.state != tcp_table.LISTEN}
    return sorted(fd for fd, inode in _held(scene, table) if inode in waiting or _is_unread(scene, inode))


def _is_unread(scene: OnStage, inode: int) -> bool:
    local = unix_table.end(scene.company.network, inode)
    return local is not None and local.unread > 0


def calls_on(scene: OnStage, link: Link) -> list[Call]:
    """What the program has called on a client's connection, in every process and
    through every duplicate, from its accept() on; with datagrams, on the socket
    that it hears its clients by."""
    found: list[Call] = []
    holders: set[tuple[int, int]] = set()  # process and number
    for call, has_returned in _moments(scene.process.trace.calls):
        own = (call.pid, call.fd)
        if not has_returned and own in holders and link.is_about(call):
            found.append(call)
        if not call.done or call.failed:
            continue
        if has_returned:
            holders.discard((call.pid, call.result))
            if link.made_by(call) >= 0 or (call.name == "dup" and own in holders):
                holders.add((call.pid, call.result))
        elif call.name == "fork":
            holders |= {(call.result, number) for pid, number in holders if pid == call.pid}
        elif call.name in ("close", "abandon"):
            holders.discard(own)
        elif not _makes_another(call) and (number := link.made_by(call)) >= 0:
            holders.add((call.pid, number))
    return found


def _moments(calls: list[Call]) -> Iterator[tuple[Call, bool]]:
    """Calls in the order of time, when they are made; and once more, of those that return
    a descriptor of a connection, when they have returned: other threads go on meanwhile."""
    moments = [(call.entered, call.index, call, False) for call in calls]
    moments += [(call.left, call.index, call, True) for call in calls if call.done and _makes_another(call)]
    for _time, _index, call, has_returned in sorted(moments, key=lambda moment: moment[:2]):
        yield call, has_returned


def _makes_another(call: Call) -> bool:
    return call.name == "dup" or call.any_of("accept")


def last_call(scene: OnStage, link: Link) -> Call | None:
    """What the program last sent or received on a connection."""
    calls = reversed(calls_on(scene, link))
    return next((c for c in calls if c.any_of("send") or c.any_of("recv")), None)


def _held(scene: OnStage, table: list[End]) -> list[tuple[int, int]]:
    """Descriptor and inode of each connection that the program holds.

    One of TCP is told by its port.  Of the Unix domain, a pair of the program's own
    looks the same, and a reset takes a socket of TCP out of every table: those are
    connections if accept() has ever returned their number, or connect() was called on it.
    """
    sockets = [pair for pid in scene.process.family() for pair in _sockets(pid).items()]
    listening = {end.inode for end in table if end.state == tcp_table.LISTEN}
    connected = {end.inode for end in table} - listening
    held = [(fd, inode) for fd, inode in sockets if inode in connected]
    nameless = [(fd, inode) for fd, inode in sockets if inode not in connected | listening]
    if nameless:
        calls = [call for call in scene.process.trace.calls if call.done]
        known = {call.result for call in calls if call.any_of("accept") or call.name == "dup"}
        known |= {call.fd for call in calls if call.name == "connect"}
        others = _other_inodes(scene.company.network)
        rest = [(fd, inode) for fd, inode in nameless if fd in known and inode not in others]
        held += [(fd, inode) for fd, inode in rest if _may_be_connected(scene.company.network, inode)]
    return held


def _may_be_connected(network: Network, inode: int) -> bool:
    """Whether a socket is a connection of the Unix domain, or of none that is known."""
    local = unix_table.end(network, inode)
    return local is None or (local.type, local.state) == (socket.SOCK_STREAM, unix_table.ESTABLISHED)


def _sockets(pid: int) -> dict[int, int]:
    """Descriptor -> inode of the sockets of a process, the kit's own left out."""
    return {number: inode for number, inode in sockets_of(pid).items() if number < KIT_DESCRIPTORS}


def _other_inodes(network: Network) -> set[int]:
    return {
        int(fields[column])
        for table, column in _OTHER_TABLES.items()
        for fields in network.rows(table)
        if len(fields) > column and fields[column].isdigit()
    }
