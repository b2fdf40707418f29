"""The pytest plugin: one item for each check and language, one result for each."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from _pytest._io import TerminalWriter

from grader.catalogue.unit import Unit
from grader.plugin import fixtures
from grader.stage.scene import Scene
from grader.stage.stage import Stage
from grader.trial.performance import perform, story
from grader.trial.torture import is_torture, sweep
from grader.verbs.cast import Cast
from grader.verdict.model import CheckResult, UnitResult, Verdict

#: The backstop of pytest-timeout for a torture sweep; checks have the one of
#: pytest.ini.
TORTURE_SECONDS = 900
#: After one of these the rest of a unit is not run: it would end the same way.
_FINAL = (Verdict.BUILD, Verdict.HANG, Verdict.SKIP)
#: After one of these there is nothing to run.
_HOPELESS = (Verdict.BUILD, Verdict.SKIP)


class _Mute:
    """Where pytest and pytest-timeout write what nobody is to read."""

    def __init__(self) -> None:
        self._tw = TerminalWriter(io.StringIO())


class Judge:
    """Runs checks and keeps what came of them.

    Args:
        stage: the warm servers and the builds.
        units: what is graded, in order.
        until: when a program's checks end: ``"decided"``, when the rest would end the
            same way; ``"first"``, with the first that fails for more than a minor
            reason; ``"end"``, never early; ``"sweep"``, before the torture sweep.
        stories: whether all that was said in each check is kept.

    Attributes:
        results: one for each unit, in order.
        faults: what went wrong in the kit itself.
    """

    def __init__(self, stage: Stage, units: list[Unit], *, until: str = "decided", stories: bool = False) -> None:
        self._stage = stage
        self._until, self._stories = until, stories
        self._units = units
        self.results = {unit: UnitResult(unit.exercise.key, unit.language, gaps=_gaps(unit)) for unit in units}
        self.faults: list[str] = []

    # --- collection -------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(fixtures, "thirteen-bytes-fixtures")
        terminal = config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:  # the report is ours
            config.pluginmanager.unregister(terminal)
            config.pluginmanager.register(_Mute(), "terminalreporter")

    @pytest.fixture(scope="session")
    def stage(self) -> Stage:
        return self._stage

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        slug = Path(metafunc.module.__file__).stem.removeprefix("check_")
        language = getattr(metafunc.function, "language", None)
        units = [u for u in self._units if u.exercise.slug == slug and language in (None, u.language)]
        metafunc.parametrize("unit", units, ids=[unit.language for unit in units])

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # a check of one language alone has an empty place in runs of the other
        items[:] = [item for item in items if isinstance(item.callspec.params["unit"], Unit)]
        items.sort(key=lambda item: self._units.index(item.callspec.params["unit"]))
        for item in items:
            if is_torture(item.function):  # it is many performances in one
                item.add_marker(pytest.mark.timeout(TORTURE_SECONDS))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self.results[item.callspec.params["unit"]].planned += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.faults.append(report.longreprtext)

    # --- running ----------------------------------------------------------

    def _is_decided(self, result: UnitResult, check: Callable) -> bool:
        """Whether the rest of a program's checks is not worth running."""
        if not result.checks:
            return False
        if self._until == "sweep" and is_torture(check):
            return True
        last = result.checks[-1]
        if last.diagnosis is not None and last.diagnosis.is_alone:
            return False
        final = _HOPELESS if self._until == "end" else _FINAL
        if last.verdict in final:
            return True
        first = result.first_failure
        return self._until == "first" and first is not None and not (first.diagnosis and first.diagnosis.is_minor)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        unit = pyfuncitem.callspec.params["unit"]
        result = self.results[unit]
        is_decided = self._is_decided(result, pyfuncitem.function)
        if is_decided or (result.first_failure and _is_beside_the_point(pyfuncitem.function, unit)):
            result.planned -= 1
            result.not_run += is_decided
        else:
            result.checks.append(self._run(pyfuncitem, unit))
            result.warnings = self._stage.warnings(unit)
        return True

    def _run(self, item: pytest.Function, unit: Unit) -> CheckResult:
        cast: Cast = item._request.getfixturevalue("cast")
        start = time.perf_counter()
        cases = 1
        if is_torture(item.function):
            verdict, diagnosis, cases = sweep(item.function, self._stage, unit)
        else:
            parts = {name: item.funcargs[name] for name in item._fixtureinfo.argnames if name != "unit"}
            verdict, diagnosis = perform(partial(item.obj, **parts), cast)
        return CheckResult(
            exercise=unit.exercise.key,
            language=unit.language,
            check=item.originalname,
            title=(item.function.__doc__ or item.originalname).strip().splitlines()[0],
            verdict=verdict,
            diagnosis=diagnosis,
            output=_output(cast.scene),
            seconds=time.perf_counter() - start,
            cases=cases,
            gaps=tuple(gap for gap in getattr(item.function, "gaps", ()) if gap in self.results[unit].gaps),
            story=story(cast.scene) if self._stories and verdict is not Verdict.ERROR else (),
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.faults.append(report.longreprtext)

    def pytest_internalerror(self, excrepr: object) -> bool:
        self.faults.append(str(excrepr))
        return True  # told in our own report


def _gaps(unit: Unit) -> tuple[str, ...]:
    return tuple(gap.slug for gap in unit.exercise.gaps_of(unit.language))


def _is_beside_the_point(check: Callable, unit: Unit) -> bool:
    """Whether a check says nothing new of a program that has failed another one."""
    return is_torture(check) or bool(unit.gap and unit.gap not in getattr(check, "gaps", ()))


def _output(scene: Scene) -> str:
    """What the program printed, without a sanitizer's report, which is told in
    the diagnosis and would differ from run to run."""
    if scene.process is None:
        return ""
    text = "\n".join(part.decode(errors="replace") for part in scene.process.output() if part)
    return re.split(r"^(?:AddressSanitizer:DEADLYSIGNAL|=+\n==\d+==ERROR)", text, maxsplit=1, flags=re.MULTILINE)[0]
