"""What outlives a check: the warm launchers, the peers' server, the builds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from grader.build.module import BuildError, Module, shown
from grader.build.toolchain import SANITIZER_OPTIONS, NoCompiler
from grader.catalogue.unit import Unit
from grader.confine.job import Job
from grader.peers.process import PeerProcess
from grader.processes.forkserver import PROJECT, ForkServer
from grader.stage.builds import Builds

#: What a launcher reads of the kit, and so whoever is confined with it.
KIT = tuple(PROJECT / "grader" / name for name in ("__init__.py", "learner", "processes", "trace"))
HOST = "grader.learner.host"
PLAYER = "grader.peers.player"


class Stage:
    """Starts servers and builds as early as possible, and keeps them warm.

    Args:
        units: what will be graded; see `add`.
        places: how many checks may be played at once; see `places`.
        job: what confines the programs, which nobody trusts then.
        builds: what has been built already; an own one by default.
    """

    def __init__(
        self, units: list[Unit], places: int = 1, job: Job | None = None, builds: Builds | None = None
    ) -> None:
        self.job = job
        self._builds = builds or Builds(job)
        self._servers: dict[tuple[str, int], ForkServer] = {}
        self._free_peers: list[PeerProcess] = []
        self._doubles = [Stage([], job=job, builds=self._builds) for _ in range(places - 1)]
        self.add(units)

    @property
    def places(self) -> list[Stage]:
        """Stages on each of which one check can be played while the others are
        in use, this one first; a server starts where it is first asked for."""
        return [self, *self._doubles]

    def add(self, units: list[Unit]) -> None:
        """Grade these too; C builds begin at once, in the background."""
        if units:
            self.server("peers")
        for unit in units:
            if unit.language == "c" and not self._reason(unit):
                self._builds.begin(unit.path, unit.exercise)
        if any(unit.language == "python" for unit in units):
            self.server("python")
        if any(unit.language == "c" for unit in units):
            try:
                self.server("c")  # it takes as long to start as pytest to be imported
            except NoCompiler:
                pass  # each check of the programs concerned says so

    def forget(self, units: list[Unit]) -> None:
        """Throw away what was built of these; nothing will ask for it again."""
        for unit in units:
            if unit.language == "c" and not self._reason(unit):
                self._builds.forget(unit.path)

    def server(self, which: str, network: int = 0, may_sniff: bool = False) -> ForkServer:
        """The fork server ``python``, ``c`` or ``peers``; started anew if it has ended.

        Args:
            network: a process whose network the programs are to be in, if it is not
                the judge's; who is confined cannot go there later.
            may_sniff: whether who is confined has raw and packet sockets there.
        """
        key = which, network if self.job else 0
        if key in self._servers and not self._servers[key].is_alive:
            self._servers.pop(key).close()
        if key not in self._servers:
            self._servers[key] = ForkServer(PLAYER) if which == "peers" else self._launcher(*key, may_sniff)
        return self._servers[key]

    def _launcher(self, language: str, network: int, may_sniff: bool) -> ForkServer:
        path, environment, prefix, shown = (), {}, (), KIT
        if language == "c":
            toolchain = self._builds.toolchain
            backend = Path(importlib.util.find_spec("_cffi_backend").origin)
            path = (str(backend.parent),)
            shown = (*KIT, backend, *backend.parent.glob("cffi.libs"))
            environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", **SANITIZER_OPTIONS}
            if toolchain.sanitizer:
                environment["LD_PRELOAD"] = toolchain.sanitizer
            prefix = tuple(toolchain.fixed_addresses)
        if self.job is None:
            return ForkServer(HOST, path=path, environment=environment, prefix=prefix)
        box = self.job.box_of_programs(shown, network, may_sniff)
        return ForkServer(HOST, path=path, environment=environment, prefix=prefix, confined=box.command)

    def lets_go_of(self, network: int) -> None:
        """End the launchers that are in a network which has gone."""
        for key in [key for key in self._servers if key[1] == network]:
            self._servers.pop(key).close()

    def peer(self) -> PeerProcess:
        """A peer that is free: one that has served another check, or a new one."""
        return self._free_peers.pop() if self._free_peers else self.new_peer()

    def new_peer(self) -> PeerProcess:
        """A peer that has done nothing yet."""
        return PeerProcess(self.server("peers"))

    def dismiss(self, peer: PeerProcess) -> None:
        """Take back a peer whose check is over and whose program has ended."""
        if peer.leave():
            self._free_peers.append(peer)
        else:
            peer.close()

    def request(self, unit: Unit) -> dict:
        """What the launcher is to load for a unit.

        Raises:
            NoCompiler: C cannot be built here.
            BuildError: the learner's file does not build.
        """
        exercise, common = unit.exercise, {"confined": self.job is not None}
        if why := self._reason(unit):
            raise BuildError(why)
        if unit.language == "python":
            if not unit.path.is_file():
                raise BuildError(f"{shown(unit.path, self.job and self.job.files)} is missing")
            return common | {"language": "python", "path": str(unit.path), "functions": exercise.parameters}
        toolchain = self._builds.toolchain
        module = self._builds.module(unit.path)
        return common | {
            "language": "c",
            "path": str(self._loaded(module)),
            "module": module.name,
            "binding": str(exercise.binding),
            "bound": exercise.binding.read_text(encoding="utf-8"),
            "sanitized": bool(toolchain.sanitizer),
        }

    def warnings(self, unit: Unit) -> str:
        """What the compiler said of a file that it accepted."""
        if unit.language != "c" or self._reason(unit):
            return ""
        try:
            return self._builds.module(unit.path).warnings
        except (NoCompiler, BuildError):
            return ""

    def module(self, unit: Unit) -> Path:
        """The shared object of a C unit that has been built, where programs load it."""
        return self._loaded(self._builds.module(unit.path))

    def _loaded(self, module: Module) -> Path:
        return self.job.built(module.path) if self.job else module.path

    def _reason(self, unit: Unit) -> str:
        """Why a file is not looked at, if that is so."""
        return self.job.reasons.get(unit.path, "") if self.job else ""

    def close(self) -> None:
        """End all processes."""
        self._builds.close()
        for stage in self.places:
            for peer in stage._free_peers:
                peer.channel.close()
            for server in stage._servers.values():
                server.dismiss()
        for server in [server for stage in self.places for server in stage._servers.values()]:
            server.close()
