"""What outlives a check: the warm launchers, the peers' server, the builds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from grader.build.module import BuildError, shown
from grader.build.toolchain import SANITIZER_OPTIONS, NoCompiler, Toolchain
from grader.catalogue.unit import Unit
from grader.peers.process import PeerProcess
from grader.processes.forkserver import ForkServer
from grader.stage.builds import Builds

HOST = "grader.learner.host"
PLAYER = "grader.peers.player"


class Stage:
    """Starts servers and builds as early as possible, and keeps them warm.

    Args:
        units: what will be graded; see `add`.
        places: how many checks may be played at once; see `places`.
        builds: what has been built already; an own one by default.
    """

    def __init__(self, units: list[Unit], places: int = 1, builds: Builds | None = None) -> None:
        self._builds = builds or Builds()
        self._servers: dict[str, ForkServer] = {}
        self._free_peers: list[PeerProcess] = []
        self._doubles = [Stage([], builds=self._builds) for _ in range(places - 1)]
        self.add(units)

    @property
    def places(self) -> list[Stage]:
        """Stages on each of which one check can be played while the others are
        in use, this one first; a server starts where it is first asked for."""
        return [self, *self._doubles]

    def add(self, units: list[Unit]) -> None:
        """Grade these too; C builds begin at once, in the background."""
        if units:
            self._server("peers")
        for unit in units:
            if unit.language == "c":
                self._builds.begin(unit.path, unit.exercise)
        if any(unit.language == "python" for unit in units):
            self._server("python")
        if any(unit.language == "c" for unit in units):
            try:
                self._server("c")  # it takes as long to start as pytest to be imported
            except NoCompiler:
                pass  # each check of the programs concerned says so

    def forget(self, units: list[Unit]) -> None:
        """Throw away what was built of these; nothing will ask for it again."""
        for unit in units:
            if unit.language == "c":
                self._builds.forget(unit.path)

    def server(self, which: str) -> ForkServer:
        """The fork server ``python``, ``c`` or ``peers``; started anew if it has ended."""
        if which in self._servers and not self._servers[which].is_alive:
            self._servers.pop(which).close()
        return self._server(which)

    def _server(self, which: str) -> ForkServer:
        if which not in self._servers:
            if which == "c":
                self._servers[which] = self._c_launcher(self._builds.toolchain)
            else:
                self._servers[which] = ForkServer(PLAYER if which == "peers" else HOST)
        return self._servers[which]

    def _c_launcher(self, toolchain: Toolchain) -> ForkServer:
        backend = importlib.util.find_spec("_cffi_backend")
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", **SANITIZER_OPTIONS}
        if toolchain.sanitizer:
            environment["LD_PRELOAD"] = toolchain.sanitizer
        return ForkServer(
            HOST,
            path=(str(Path(backend.origin).parent),),
            environment=environment,
            prefix=tuple(toolchain.fixed_addresses),
        )

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
        exercise = unit.exercise
        if unit.language == "python":
            if not unit.path.is_file():
                raise BuildError(f"{shown(unit.path)} is missing")
            return {"language": "python", "path": str(unit.path), "functions": exercise.parameters}
        toolchain = self._builds.toolchain
        module = self._builds.module(unit.path)
        return {
            "language": "c",
            "path": str(module.path),
            "module": module.name,
            "binding": str(exercise.binding),
            "sanitized": bool(toolchain.sanitizer),
        }

    def warnings(self, unit: Unit) -> str:
        """What the compiler said of a file that it accepted."""
        if unit.language != "c":
            return ""
        try:
            return self._builds.module(unit.path).warnings
        except (NoCompiler, BuildError):
            return ""

    def module(self, unit: Unit) -> Path:
        """The shared object of a C unit that has been built."""
        return self._builds.module(unit.path).path

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
