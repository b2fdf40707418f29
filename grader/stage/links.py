"""How a client is tied to the program, as the kernel's tables tell it.

They are the same for processes, threads and a single loop, in either language.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from socket import SOCK_DGRAM
from typing import Protocol

from grader.peers.places import Address
from grader.processes import datagram_table, tcp_table, unix_table
from grader.processes.connections import Connections, Ends
from grader.processes.network import Network
from grader.processes.tcp_table import End
from grader.processes.unix_table import UnixEnd
from grader.trace.reader import Call


class Link(Protocol):
    """A connection; or, of datagrams, what stands for one."""

    @property
    def is_stream(self) -> bool: ...

    def is_held(self) -> bool:
        """Whether a program holds its end: it has accepted the connection, and
        not closed it."""

    def is_open(self) -> bool:
        """Whether it is there, accepted or in the backlog."""

    def is_ended(self) -> bool:
        """Whether the program has closed its end, and the client has its own still."""

    def unread(self) -> int:
        """How many bytes of the client lie unread at the program's end."""

    def unsent(self) -> int:
        """How many bytes of the program's wait until its client has room for them."""

    def has_taken_all(self) -> bool:
        """Whether the program has received everything that its client has sent."""

    def is_of(self, inode: int) -> bool:
        """Whether the program's socket of that inode is its end."""

    def made_by(self, call: Call) -> int:
        """The program's descriptor for it, if this call is what has made it; else -1."""

    def is_about(self, call: Call) -> bool:
        """Whether a call on that descriptor has to do with this client."""


class TcpLink:
    """A connection of TCP.

    Args:
        connections: for exact questions.
        ends: the program's and the client's.
    """

    is_stream = True

    def __init__(self, network: Network, connections: Connections, ends: Ends) -> None:
        self._network, self._connections, self._ends = network, connections, ends
        _family, _theirs, self._program, _own, self._client = ends

    def is_held(self) -> bool:
        try:
            return self._connections.is_held(self._ends)
        except OSError:  # sock_diag(7) is refused here
            return any(end.inode for end in self._program_ends())

    def is_open(self) -> bool:
        return any(True for _ in self._program_ends())

    def is_ended(self) -> bool:
        closing = (tcp_table.FIN_WAIT1, tcp_table.FIN_WAIT2)
        left = list(self._program_ends())
        return not left or any(end.state in closing for end in left)

    def unread(self) -> int:
        return sum(end.unread for end in self._program_ends())

    def unsent(self) -> int:
        return sum(end.unsent for end in self._program_ends())

    def has_taken_all(self) -> bool:
        table = tcp_table.ends(self._network)
        is_sent = any((end.port, end.other) == (self._client, self._program) and not end.unsent for end in table)
        return is_sent and any(self._is_programs(end) and end.inode and not end.unread for end in table)

    def is_of(self, inode: int) -> bool:
        return any(end.inode == inode for end in self._program_ends())

    def made_by(self, call: Call) -> int:
        accepts_it = call.any_of("accept") and call.address is not None and call.address[1] == self._client
        return call.result if accepts_it else -1

    def is_about(self, _call: Call) -> bool:
        return True

    def _program_ends(self) -> Iterator[End]:
        return filter(self._is_programs, tcp_table.ends(self._network))

    def _is_programs(self, end: End) -> bool:
        # one port alone does not tell it: the kernel gives a port to clients of
        # different servers at once
        return (end.other, end.port) == (self._client, self._program)


class UnixLink:
    """A stream connection of the Unix domain.

    Args:
        inode: of the client's socket.
        name: its address, which it has alone.
    """

    is_stream = True

    def __init__(self, network: Network, inode: int, name: Address) -> None:
        self._network, self._inode, self._name = network, inode, name

    def is_held(self) -> bool:
        own = self._own
        return own is not None and own.other != 0

    def is_open(self) -> bool:
        return not self.is_ended()

    def is_ended(self) -> bool:
        own = self._own
        return own is None or (own.is_ended and not own.other)

    def unread(self) -> int:
        programs = self._programs
        return programs.unread if programs else 0

    def unsent(self) -> int:
        own = self._own
        return own.unread if own else 0

    def has_taken_all(self) -> bool:
        programs = self._programs
        return programs is not None and not programs.unread

    def is_of(self, inode: int) -> bool:
        own = self._own
        return own is not None and own.other == inode

    def made_by(self, call: Call) -> int:
        return call.result if call.any_of("accept") and call.path == self._name else -1

    def is_about(self, _call: Call) -> bool:
        return True

    @property
    def _own(self) -> UnixEnd | None:
        return unix_table.end(self._network, self._inode)

    @property
    def _programs(self) -> UnixEnd | None:
        own = self._own
        return unix_table.end(self._network, own.other) if own and own.other else None


class _DatagramLink(ABC):
    """What a client has of a program that it sends datagrams to: a place where
    sockets are bound."""

    is_stream = False

    def is_held(self) -> bool:
        return bool(self._bound())

    def is_open(self) -> bool:
        return self.is_held()

    def is_ended(self) -> bool:
        return not self.is_held()

    def unread(self) -> int:
        return 0  # the kernel counts what datagrams cost, not what they hold

    def unsent(self) -> int:
        return 0

    def has_taken_all(self) -> bool:
        bound = self._bound()
        return bool(bound) and not any(bound.values())

    def is_of(self, inode: int) -> bool:
        return inode in self._bound()

    def made_by(self, call: Call) -> int:
        return call.fd if call.name == "bind" and self._is_there(call) else -1

    @abstractmethod
    def _bound(self) -> dict[int, bool]:
        """Inode of each socket there -> whether a datagram lies in it unread."""

    @abstractmethod
    def _is_there(self, call: Call) -> bool:
        """Whether the address of a call is the program's."""


class UdpLink(_DatagramLink):
    """A UDP port.

    Args:
        client, program: their ports.
    """

    def __init__(self, network: Network, client: int, program: int) -> None:
        self._network, self._client, self._program = network, client, program

    def is_about(self, call: Call) -> bool:
        return call.address is None or call.address[1] in (self._client, self._program)

    def _bound(self) -> dict[int, bool]:
        bound = datagram_table.bound(self._network)
        return {end.inode: end.has_unread for end in bound if end.port == self._program}

    def _is_there(self, call: Call) -> bool:
        return call.address is not None and call.address[1] == self._program


class UnixDatagramLink(_DatagramLink):
    """A path, or an abstract name.

    Args:
        client, program: their addresses.
    """

    def __init__(self, network: Network, client: Address, program: Address) -> None:
        self._network = network
        self._client, self._program = (os.fsencode(name) for name in (client, program))

    def is_about(self, call: Call) -> bool:
        return call.path in (None, b"", self._client, self._program)

    def _bound(self) -> dict[int, bool]:
        ends = unix_table.ends(self._network)
        return {end.inode: end.unread > 0 for end in ends if end.type == SOCK_DGRAM and end.name == self._program}

    def _is_there(self, call: Call) -> bool:
        return call.path == self._program
