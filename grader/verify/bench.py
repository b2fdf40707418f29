"""A workbench: texts of programs laid out in files, graded on one warm stage."""

from __future__ import annotations

import multiprocessing.util
import tempfile
from pathlib import Path
from types import TracebackType

from grader.catalogue.exercises import Exercise
from grader.catalogue.unit import Unit
from grader.plugin.session import Outcome, run_on
from grader.stage.stage import Stage
from grader.verdict.model import UnitResult, Verdict

#: One for each process: launchers stay warm from one task to the next.
_stage: Stage | None = None


def _warm_stage() -> Stage:
    global _stage
    if _stage is None:
        _stage = Stage([])
        multiprocessing.util.Finalize(None, _stage.close, exitpriority=10)
    return _stage


class KitFault(Exception):
    """The kit itself failed while a program was graded; carries its words."""


class Bench:
    """Programs of one exercise in one language, as a context.

    Args:
        exercise: whose checks grade them.
        language: what they are written in.
    """

    def __init__(self, exercise: Exercise, language: str) -> None:
        self._exercise, self._language = exercise, language
        self._folder = tempfile.TemporaryDirectory(prefix="thirteen-bytes-")

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._folder.cleanup()

    def grade(self, programs: dict[str, str], *, until: str = "decided") -> dict[str, UnitResult]:
        """Grade programs.

        Args:
            programs: name -> text; a program keeps its path as long as its name.
            until: when a program's checks end; see `grader.plugin.judge.Judge`.
                ``"end"`` is for mutants, whose names are those of their gaps.

        Returns:
            Name -> result.

        Raises:
            KitFault: pytest or the grader itself failed.
        """
        outcome = self.run(programs, until=until)
        faults = outcome.faults + [
            f"{check.check}: {check.diagnosis.messages}"
            for result in outcome.results
            for check in result.checks
            if check.verdict is Verdict.ERROR
        ]
        if faults:
            raise KitFault("\n".join(faults))
        return dict(zip(programs, outcome.results, strict=True))

    def run(self, programs: dict[str, str], *, until: str) -> Outcome:
        """Grade programs, as `grade` does, and leave faults to the caller."""
        units = []
        for name, text in programs.items():
            path = Path(self._folder.name, name, self._exercise.file_name(self._language))
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            units.append(Unit(self._exercise, self._language, path, name if until == "end" else ""))
        stage = _warm_stage()
        stage.add(units)
        try:
            return run_on(stage, units, until=until)
        finally:
            stage.forget(units)
