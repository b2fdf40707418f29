"""What a check can arrange in a network of its own."""

from __future__ import annotations

from grader.peers.process import PeerProcess
from grader.processes.namespaces import AS_ROOT
from grader.stage.broken import NotHere
from grader.stage.scene import Scene
from grader.verbs.routing import Route
from grader.verbs.wires import Interface, Wire
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

    def wire(self, name: str, address: str = "") -> Wire:
        """One more interface of the machine there, whose other end a peer has: it is
        the network.  Programs may have raw and packet sockets then.

        Args:
            name: of the interface.
            address: of IPv4, with the network that it leads to, ``"10.0.0.1/8"``;
                without it, nothing goes out but frames that are made by hand.
        """
        self._lets_programs_sniff()
        return Wire(self._scene, name, address)

    def route(self) -> Route:
        """The way to a host of 10.0.0.0/8, from 10.0.0.1: routers and hosts, played by a
        peer at the other end of a wire; nothing leads to other networks."""
        self._lets_programs_sniff()
        return Route(self._scene)

    @property
    def loopback(self) -> Interface:
        """The loopback interface there; programs may have raw and packet sockets then."""
        self._lets_programs_sniff()
        return Interface(self._scene, "lo")

    def _lets_programs_sniff(self) -> None:
        scene = self._scene
        assert scene.process is None, "a program that runs is given no more rights"
        if scene.stage.job is not None and not scene.stage.job.can_give_rights:
            raise NotHere(f"programs that are confined have no raw sockets here; to allow them: {AS_ROOT}")
        scene.arranged.may_sniff = True

    def has(self, address: str) -> None:
        """The machine has one more IPv6 address there."""
        self._host.do("add_address", address=address)
        self._scene.steps.append(Step(f"the network has the address {address}"))

    @property
    def _host(self) -> PeerProcess:
        return self._scene.network_host()
