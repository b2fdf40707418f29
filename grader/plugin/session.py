"""Runs the checks of some programs: in one pytest session, or in several at once."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from grader.catalogue.unit import Unit
from grader.confine.job import Job
from grader.processes.forkserver import die_with_parent
from grader.stage.stage import Stage
from grader.verdict.model import UnitResult

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

#: The root of pytest's run, where its settings lie.
_ROOT = Path(__file__).resolve().parents[1] / "checks"
#: Plugins of pytest's own that a run of checks has no use for.
_UNUSED = (
    *("cacheprovider", "doctest", "unittest", "junitxml", "pastebin"),
    *("nose", "faulthandler", "logging", "stepwise", "setuponly", "setupplan"),
    *("unraisableexception", "threadexception"),  # they collect garbage, again and again
)


@dataclass
class Outcome:
    """What came of a run.

    Attributes:
        results: one for each unit, in the order of the units.
        faults: what went wrong in the kit itself.
    """

    results: list[UnitResult] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def selected(self) -> int:
        """How many checks were run."""
        return sum(len(result.checks) for result in self.results)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(units: list[Unit], expression: str = "", jobs: int | None = None, job: Job | None = None) -> Outcome:
    """Run all checks of these units, spread over the processors.

    Args:
        units: what is graded.
        expression: only the checks whose names match, as pytest's ``-k`` has it.
        jobs: how many sessions at once; as many as processors by default.
        job: what confines the programs, and this process too; None for programs
            that are trusted.
    """
    shares = list(_shares(units, jobs or processors()))
    places = max(1, processors() // max(1, len(shares)))
    if len(shares) < 2:
        return run_here(units, expression, places, job)
    with _helpers(shares[1:], expression, places, job) as helpers:
        outcomes = [run_here(shares[0], expression, places, job), *(helper() for helper in helpers)]
    by_unit = {
        unit: result
        for share, outcome in zip(shares, outcomes, strict=True)
        for unit, result in zip(share, outcome.results, strict=True)
    }
    return Outcome([by_unit[unit] for unit in units], [fault for outcome in outcomes for fault in outcome.faults])


def _shares(units: list[Unit], jobs: int) -> Iterator[list[Unit]]:
    """Units dealt out evenly; a share has one language where it can, for each
    language has a launcher to warm up."""
    ordered = sorted(units, key=lambda unit: unit.language)
    jobs = min(jobs, len(units))
    for i in range(jobs):
        share = ordered[len(units) * i // jobs : len(units) * (i + 1) // jobs]
        if share:
            yield share


def names(units: list[Unit]) -> list[str]:
    """The names of the checks of these units, without what all begin with."""
    texts = (unit.exercise.checks.read_text(encoding="utf-8") for unit in units)
    return [name for text in texts for name in re.findall(r"^def check_(\w+)", text, re.MULTILINE)]


@contextmanager
def _helpers(
    shares: list[list[Unit]], expression: str, places: int, job: Job | None
) -> Iterator[list[Callable[[], Outcome]]]:
    """Processes that run a share each; what they are left at, in whichever way,
    is ended with them.

    Yields:
        For each share a function that waits for its outcome.
    """
    import multiprocessing  # not needed for a single program

    # forked before anything here has a thread: the first share is this process's own
    context, helpers, answers = multiprocessing.get_context("fork"), [], []
    for share in shares:
        ours, theirs = context.Pipe(duplex=False)
        helpers.append(context.Process(target=_help, args=(theirs, share, expression, places, job, os.getpid())))
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the helper is ready for it
        helpers[-1].start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        theirs.close()
        answers.append(ours)
    try:
        yield [partial(_outcome_of, answer) for answer in answers]
    finally:
        for helper in helpers:
            helper.terminate()  # it has answered, or nobody waits for it any more
            helper.join()


def _help(answer: Connection, share: list[Unit], expression: str, places: int, job: Job | None, parent: int) -> None:
    """Run a share in a process of its own, which does not outlive its parent."""
    die_with_parent(parent)
    # Ctrl-C is meant for the parent too, which says so; what runs here sees its channels close
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    answer.send(run_here(share, expression, places, job))


def _outcome_of(answer: Connection) -> Outcome:
    try:
        return answer.recv()
    except EOFError:
        return Outcome(faults=["a process that graded a share of the programs has ended before it was done"])


def run_here(
    units: list[Unit],
    expression: str = "",
    places: int = 1,
    job: Job | None = None,
    *,
    until: str = "decided",
    stories: bool = False,
) -> Outcome:
    """Run all checks of these units in this process, one after the other.

    Args:
        places: so many performances of a torture sweep at once.
        job: what confines the programs.
        until, stories: see `grader.plugin.judge.Judge`.
    """
    stage = Stage(units, places, job)  # compiles and warms up while pytest is imported
    try:
        return run_on(stage, units, expression, until=until, stories=stories)
    finally:
        stage.close()


def run_on(
    stage: Stage, units: list[Unit], expression: str = "", *, until: str = "decided", stories: bool = False
) -> Outcome:
    """Run all checks of units that a stage knows.

    Args:
        until, stories: see `grader.plugin.judge.Judge`.

    Raises:
        KeyboardInterrupt: pytest has taken one, and has ended early.
    """
    # What the environment has for pytest is not for this run.
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    import pytest

    from grader.plugin.judge import Judge

    judge = Judge(stage, units, until=until, stories=stories)
    arguments = ["-c", str(_ROOT / "pytest.ini"), "--rootdir", str(_ROOT), "-p", "pytest_timeout"]
    arguments += [word for name in _UNUSED for word in ("-p", f"no:{name}")]
    arguments += ["--assert=plain", "--capture=no"]
    if expression:
        arguments += ["-k", expression]
    checks = {str(unit.exercise.checks): None for unit in units}
    with redirect_stderr(StringIO()):  # of an expression that is none our caller tells, once
        code = pytest.main([*arguments, *checks], plugins=[judge])
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return Outcome([judge.results[unit] for unit in units], judge.faults)
