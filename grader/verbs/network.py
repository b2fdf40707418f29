"""What a check can arrange in a network of its own."""

from __future__ import annotations

from grader.peers.process import PeerProcess
from grader.stage.broken import NotHere
from grader.stage.scene import Scene
from grader.verdict.transcript import Step


class OwnNetwork:
    """A network that the program and its peers have to themselves
    (network_namespaces(7)): it has a loopback interface, and no route to elsewhere.

    Where the machine does not allow one, the check is skipped, with the command
    that mends it.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        scene.arranged.has_own_network = True

    def sets(self, name: str, value: int) -> None:
        """Set a parameter of the kernel there: ``"net.ipv6.bindv6only"``.

        Raises:
            NotHere: the kernel does not have it.
        """
        try:
            self._host.do("set", path=f"/proc/sys/{name.replace('.', '/')}", value=str(value))
        except OSError as error:
            raise NotHere(f"{name} is not there: {error}") from None
        self._scene.steps.append(Step(f"the network has {name} = {value}"))

    def has(self, address: str) -> None:
        """The machine has one more IPv6 address there."""
        self._host.do("add_address", address=address)
        self._scene.steps.append(Step(f"the network has the address {address}"))

    @property
    def _host(self) -> PeerProcess:
        return self._scene.network_host()
