"""Who and what a check can name: ``learner``, ``peer``, ``port`` and others."""

from __future__ import annotations

import os
from collections.abc import Callable
from inspect import signature
from itertools import count
from typing import Any

from grader.catalogue.unit import Unit
from grader.peers.places import TCP, UDP, Kind, Place
from grader.peers.process import free_port
from grader.stage.paths import clear
from grader.stage.scene import Scene
from grader.stage.stage import Stage
from grader.stage.stand_ins import of_address
from grader.verbs.caller import Caller
from grader.verbs.clients import Clients
from grader.verbs.clock import Clock
from grader.verbs.folder import Directory
from grader.verbs.learner import Learner
from grader.verbs.log import Log
from grader.verbs.network import OwnNetwork
from grader.verbs.peer import Peer
from grader.verbs.script import Script
from grader.verbs.subject import Subject


class Cast:
    """The parts of one performance of a check, each made when it is named.

    Args:
        stage: forks processes and has the builds.
        unit: what is graded.

    Attributes:
        scene: the performance's processes.
    """

    _groups = count(1)

    def __init__(self, stage: Stage, unit: Unit) -> None:
        self.scene = Scene(stage, unit)
        self._parts: dict[str, Any] = {}
        self._closers: list[Callable[[], None]] = []

    def __getitem__(self, name: str) -> Any:
        """The part of that name.

        Raises:
            KeyError: there is no such part.
        """
        if name not in self._parts:
            self._parts[name] = _PARTS[name](self)
        return self._parts[name]

    def call(self, script: Callable[..., None]) -> None:
        """Call a check's script with the parts that its signature names."""
        script(**{name: self[name] for name in signature(script).parameters})

    def close(self) -> None:
        """End everything that is still on stage."""
        for close in reversed(self._closers):
            close()
        self.scene.close()
        clear(self.scene)

    def learner(self) -> Learner:
        """The program under judgement."""
        return Learner(self.scene)

    def peer(self) -> Peer:
        """The process at the other end."""
        peer = Peer(self.scene)
        self._closers.append(peer.close)
        return peer

    def clients(self) -> Clients:
        """Several of them: ``ann, bob = clients("ann", "bob")``, ``clients.crowd(100)``."""
        return Clients(self.scene)

    def fault(self) -> Callable[..., None]:
        """Tampers with a call: ``fault("send", limit=7)``."""
        return Script(self.scene).fault

    def resolves(self) -> Callable[..., None]:
        """Scripts getaddrinfo(): ``resolves("greeter.test", "127.0.0.2", "127.0.0.1")``."""
        return Script(self.scene).resolves

    def caller(self) -> Caller:
        """Whoever calls the program: ``caller.has_settings_of_its_own()``."""
        return Caller(self.scene)

    def clock(self) -> Clock:
        """The program's clock: it stands still until the script moves it."""
        return Clock(self.scene)

    def folder(self) -> Directory:
        """A temporary directory of this run: ``folder.path("server")``."""
        folder = Directory(self.scene)
        self._closers.append(folder.close)
        return folder

    def log(self) -> Log:
        """The file in which a relay writes who has said what: ``log.path``."""
        return Log(self.scene, self["folder"])

    def group(self) -> str:
        """A multicast group of this run alone, as text."""
        # of the range for private use (RFC 2365); nobody else has this process id now.
        # All are told in as many characters, so that values are cut at the same place,
        # and none ends in a number that a group could begin with.
        number = os.getpid() * 61 + next(self._groups)
        group = f"239.{128 + (number >> 13) % 128}.{128 + (number >> 6) % 128}.{128 + number % 64}"
        names = self.scene.arranged.stand_ins
        names |= of_address(group, f"239.1.2.{3 + len(names) // 4}")
        return group

    def process(self) -> Subject:
        """A process that the program is asked about: ``process.listens("127.0.0.1")``."""
        subject = Subject(self.scene)
        self._closers.append(subject.close)
        return subject

    def network(self) -> OwnNetwork:
        """A network of its own, for the program and its peers: ``network.sets("net.ipv6.bindv6only", 1)``."""
        return OwnNetwork(self.scene)

    def port(self) -> str:
        """A TCP port that nothing uses, as text; a new one for each performance."""
        return self._reserved(TCP)

    def udp_port(self) -> str:
        """A UDP port that nothing uses, as text; a new one for each performance."""
        return self._reserved(UDP)

    def _reserved(self, kind: Kind) -> str:
        reserved: dict[int, int] = {}
        self.scene.arranged.port = free_port(reserved, kind)
        self._closers.append(lambda: [os.close(fd) for fd in reserved.values()])
        return Place(str(self.scene.arranged.port), kind)


#: Name of a part -> what makes it.
_PARTS: dict[str, Callable[[Cast], Any]] = {
    "scene": lambda cast: cast.scene,
    "learner": Cast.learner,
    "peer": Cast.peer,
    "other_peer": Cast.peer,
    "clients": Cast.clients,
    "fault": Cast.fault,
    "resolves": Cast.resolves,
    "caller": Cast.caller,
    "clock": Cast.clock,
    "folder": Cast.folder,
    "log": Cast.log,
    "group": Cast.group,
    "other_group": Cast.group,
    "process": Cast.process,
    "network": Cast.network,
    "port": Cast.port,
    "udp_port": Cast.udp_port,
}
PARTS = tuple(_PARTS)
