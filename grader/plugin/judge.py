"""The pytest plugin: one item for each check and language, one result for each."""

from __future__ import annotations

import re
import time
import traceback
from pathlib import Path

import pytest

from grader.build.module import BuildError
from grader.build.toolchain import NoCompiler
from grader.plugin import fixtures
from grader.verbs.broken import Broken
from grader.verbs.scene import Scene
from grader.verbs.stage import Stage, Unit
from grader.verbs.state import judge_end
from grader.verdict.diagnosis import diagnose, violations
from grader.verdict.evidence import Failure
from grader.verdict.model import CheckResult, Diagnosis, Place, UnitResult, Verdict

#: After one of these the rest of a unit is not run: it would end the same way.
_FINAL = (Verdict.BUILD, Verdict.HANG, Verdict.SKIP)


class Judge:
    """Runs checks and keeps what came of them.

    Args:
        stage: the warm servers and the builds.
        units: what is graded, in order.

    Attributes:
        results: one for each unit, in order.
        faults: what went wrong in the kit itself.
    """

    def __init__(self, stage: Stage, units: list[Unit]) -> None:
        self._stage = stage
        self._units = units
        self.results = {unit: UnitResult(unit.exercise.key, unit.language) for unit in units}
        self.faults: list[str] = []

    # --- collection -------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(fixtures, "thirteen-bytes-fixtures")
        terminal = config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:  # the report is ours
            config.pluginmanager.unregister(terminal)

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

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self.results[item.callspec.params["unit"]].planned += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.faults.append(report.longreprtext)

    # --- running ----------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        unit = pyfuncitem.callspec.params["unit"]
        result = self.results[unit]
        if result.checks and result.checks[-1].verdict in _FINAL:
            result.planned -= 1
        else:
            result.checks.append(self._run(pyfuncitem, unit))
            result.warnings = self._stage.warnings(unit)
        return True

    def _run(self, item: pytest.Function, unit: Unit) -> CheckResult:
        scene: Scene = item._request.getfixturevalue("scene")
        start = time.perf_counter()
        verdict, diagnosis = Verdict.PASS, None
        try:
            item.obj(**{name: item.funcargs[name] for name in item._fixtureinfo.argnames if name != "unit"})
            judge_end(scene)
            verdict, diagnosis = self._violation(scene)
        except Broken as broken:
            failure = scene.settle(broken.failure)
            verdict = failure.verdict
            diagnosis = diagnose(scene.exercise, scene.evidence(lines=True), failure, scene.steps)
        except NoCompiler as missing:
            verdict, diagnosis = Verdict.SKIP, Diagnosis(str(missing))
        except BuildError as error:
            verdict, diagnosis = Verdict.BUILD, _build_diagnosis(error)
        except Exception:
            verdict, diagnosis = Verdict.ERROR, Diagnosis("the kit itself failed", messages=traceback.format_exc())
        return CheckResult(
            exercise=unit.exercise.key,
            language=unit.language,
            check=item.originalname,
            title=(item.function.__doc__ or item.originalname).strip().splitlines()[0],
            verdict=verdict,
            diagnosis=diagnosis,
            output=_output(scene),
            seconds=time.perf_counter() - start,
        )

    def _violation(self, scene: Scene) -> tuple[Verdict, Diagnosis | None]:
        """A rule broken that no peer could see."""
        if not violations(scene.evidence(lines=False)):
            return Verdict.PASS, None
        evidence = scene.evidence(lines=True)
        failure = Failure("violation", "a rule of the contract is broken")
        return Verdict.FAIL, diagnose(scene.exercise, evidence, failure, scene.steps)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.faults.append(report.longreprtext)

    def pytest_internalerror(self, excrepr: object) -> bool:
        self.faults.append(str(excrepr))
        return True  # told in our own report


def _build_diagnosis(error: BuildError) -> Diagnosis:
    found = re.search(r"([^\s:]+\.[ch]):(\d+):(?:\d+:)? (?:fatal )?error", error.messages)
    place = (Place(found.group(1), int(found.group(2))),) if found else ()
    return Diagnosis(error.sentence, places=place, messages=error.messages.strip())


def _output(scene: Scene) -> str:
    """What the program printed, without a sanitizer's report, which is told in
    the diagnosis and would differ from run to run."""
    if scene.process is None:
        return ""
    text = "\n".join(part.decode(errors="replace") for part in scene.process.output() if part)
    return re.split(r"^(?:AddressSanitizer:DEADLYSIGNAL|=+\n==\d+==ERROR)", text, maxsplit=1, flags=re.MULTILINE)[0]
