"""Whom the program talks to: processes that play them, and what each has said."""

from __future__ import annotations

from grader.peers.process import PeerProcess
from grader.processes.connections import Connections
from grader.stage.party import Party


class Company:
    """The peers of one check.

    Attributes:
        peers: their processes, each of which plays one of them or several.
        parties: what each of them has said and heard.
        connections: theirs and the program's, as the kernel has them.
        creditor: the one that waits for the program now.
    """

    def __init__(self) -> None:
        self.peers: list[PeerProcess] = []
        self.parties: list[Party] = []
        self.connections = Connections()
        self.creditor: Party | None = None

    @property
    def is_asleep(self) -> bool:
        """Whether every peer sleeps, or has nothing to do."""
        return all(peer.is_asleep for peer in self.peers)

    @property
    def is_busy(self) -> bool:
        """Whether any peer has something to do still."""
        return any(peer.is_busy for peer in self.peers)

    @property
    def connected(self) -> list[Party]:
        """Those who have connected to the program."""
        return [party for party in self.parties if any(party.ports)]
