"""The C programs of a run: compiled in the background while the rest starts."""

from __future__ import annotations

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from grader.build.cache import open_cache
from grader.build.module import Module, Workshop
from grader.build.toolchain import NoCompiler, Toolchain, find
from grader.catalogue.exercises import Exercise
from grader.confine.job import Job


class Builds:
    """What the compiler makes of learners' files, once for each.

    Args:
        job: what confines the compiler while it reads a file that nobody trusts.
    """

    def __init__(self, job: Job | None = None) -> None:
        self._job = job
        self._pool = ThreadPoolExecutor(max_workers=2)
        self._toolchain: Future[Toolchain] | None = None
        self._modules: dict[Path, Future[Module]] = {}

    def begin(self, path: Path, exercise: Exercise) -> None:
        """Build a file of that exercise, in the background."""
        if self._toolchain is None:
            self._toolchain = self._pool.submit(self._find_toolchain)
        self._modules[path] = self._pool.submit(self._build, path, exercise)

    def _find_toolchain(self) -> Toolchain:
        try:
            self._cache = open_cache()
        except OSError as error:
            raise NoCompiler(
                f"THIRTEEN_BYTES_CACHE names a folder that cannot be written ({error}): name another, or none"
            ) from None
        toolchain = find(self._cache)
        self._workshop = Workshop(toolchain, self._cache, self._job)
        return toolchain

    def _build(self, path: Path, exercise: Exercise) -> Module:
        self._toolchain.result()
        return self._workshop.build(path, exercise.header, list(exercise.c_functions), list(exercise.c_allows))

    @property
    def toolchain(self) -> Toolchain:
        """The compiler.

        Raises:
            NoCompiler: C cannot be built here.
        """
        return self._toolchain.result()

    def module(self, path: Path) -> Module:
        """What a file was built to.

        Raises:
            NoCompiler: C cannot be built here.
            BuildError: the file does not build.
        """
        return self._modules[path].result()

    def forget(self, path: Path) -> None:
        """Throw away what a file was built to, in the cache too."""
        building = self._modules.pop(path)
        if building.exception() is None:
            shutil.rmtree(building.result().path.parent, ignore_errors=True)

    def close(self) -> None:
        """Stop building, and clear the cache of what is old."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._toolchain is not None and self._toolchain.exception() is None:
            self._cache.prune()
