"""Whom the program talks to: processes that play them, and what each has said."""

from __future__ import annotations

import socket

from grader.peers.places import Address, family_of
from grader.peers.process import PeerProcess
from grader.processes.connections import Connections
from grader.processes.network import Network
from grader.stage.links import Link, TcpLink, UdpLink, UnixDatagramLink, UnixLink
from grader.stage.party import Party


class Company:
    """The peers of one check.

    Attributes:
        peers: their processes, each of which plays one of them or several.
        parties: what each of them has said and heard.
        network: that all of them are in, the program too.
        has_datagrams: whether one of them has a datagram socket.
        has_packets: whether one of them has whole frames to give.
        host: of a network of their own, the process that has made it.
        connections: theirs and the program's, as the kernel has them.
        creditor: the one that waits for the program now.
    """

    def __init__(self) -> None:
        self.peers: list[PeerProcess] = []
        self.parties: list[Party] = []
        self.network = Network()
        self.host: PeerProcess | None = None
        self.connections = Connections(self.network)
        self.creditor: Party | None = None
        self.has_datagrams = self.has_packets = False

    @property
    def is_asleep(self) -> bool:
        """Whether every peer sleeps, or has nothing to do."""
        return all(peer.is_asleep for peer in self.peers)

    @property
    def is_busy(self) -> bool:
        """Whether any peer has something to do still."""
        return any(peer.is_busy for peer in self.peers)

    def link(self, at: Address, own: dict, *, has_datagrams: bool = False) -> Link:
        """What ties a client to the program now.

        Args:
            at: the program's address.
            own: what the client's process says of its socket: its address ``at``,
                and its ``inode``.
        """
        if not isinstance(at, list):
            if has_datagrams:
                return UnixDatagramLink(self.network, own["at"], at)
            return UnixLink(self.network, own["inode"], own["at"])
        (theirs, port), (ours, own_port) = at, own["at"]
        if has_datagrams:
            return UdpLink(self.network, own_port, port)
        family = family_of(at)
        # a zone, as in fe80::1%lo, is no part of the address
        theirs, ours = (socket.inet_pton(family, end.partition("%")[0]) for end in (theirs, ours))
        return TcpLink(self.network, self.connections, (family, theirs, port, ours, own_port))

    @property
    def connected(self) -> list[Party]:
        """Those who have connected to the program."""
        return [party for party in self.parties if party.link is not None]
