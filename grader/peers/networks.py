"""What a peer can do with the network that it is in."""

from __future__ import annotations

import socket
from pathlib import Path

from grader.peers.sockets import Sockets
from grader.processes import namespaces
from grader.processes.network import SOCK_DIAG


class NetworkActions(Sockets):
    """The actions on networks."""

    def leave_network(self) -> tuple[dict, tuple[int, ...]]:
        """Go to a new one; hands over a socket for sock_diag(7) there."""
        namespaces.leave_network()
        return {}, (socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, SOCK_DIAG).detach(),)

    def enter_network(self, pid: int) -> dict:
        """Go to the one of another process."""
        namespaces.enter_network(pid)
        return {}

    def set(self, path: str, value: str) -> dict:
        """Set a parameter of the kernel."""
        Path(path).write_text(value)
        return {}

    def add_address(self, address: str) -> dict:
        """Have one more IPv6 address."""
        namespaces.add_address(address)
        return {}
