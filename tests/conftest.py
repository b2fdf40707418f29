"""What the tests share: grading files through the front door, as people do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.catalogue.exercises import LANGUAGES, PROJECT, Exercise, load_all
from grader.catalogue.gaps import Gaps
from grader.catalogue.unit import Unit
from grader.stage.stage import Stage
from grader.verbs.cast import Cast
from grader.verify.lint import has_manual

EXERCISES = load_all()
#: What tests use of the machine -> the Debian packages that have it.  `nox -s tests`
#: installs what is missing, where it may.
TOOLS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["thirteen-bytes"]["tools"]


def _missing(tools: Iterable[str]) -> list[str]:
    return [tool for tool in tools if shutil.which(tool) is None or (tool == "man" and not has_manual())]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tools(*names): programs that the test talks to; it is skipped without them")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if missing := _missing(tool for mark in item.iter_markers("tools") for tool in mark.args):
        pytest.skip(f"{' and '.join(missing)} not installed here")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    yield  # the reasons of all skips come first
    skipped, missing = terminalreporter.stats.get("skipped", ()), _missing(TOOLS)
    if skipped and missing:
        packages = " ".join(TOOLS[tool] for tool in missing)
        terminalreporter.write_line(f"{len(skipped)} tests were skipped; what they need: sudo apt install {packages}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and terminal is not None and terminal.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED  # there, nothing that is needed may be missing


@dataclass
class Graded:
    """What one run of the kit left behind."""

    code: int
    text: str
    errors: str
    units: dict[tuple[str, str], dict]  # (exercise key, language) -> JSON report

    def unit(self, slug: str, language: str) -> dict:
        return next(u for (key, lang), u in self.units.items() if key[3:] == slug and lang == language)

    def first_failure(self, slug: str, language: str) -> dict | None:
        failed = [check for check in self.unit(slug, language)["checks"] if check["verdict"] != "pass"]
        return min(failed, key=lambda check: (check["diagnosis"] or {}).get("is_minor", False), default=None)


def kit_environment(root: Path = PROJECT) -> dict[str, str]:
    """The environment that a run of the kit of that project gets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "NO_COLOR"))}
    return {**kept, "PYTHONPATH": str(root)}


def run_kit(*arguments: str, env: dict[str, str] | None = None, cwd: Path = PROJECT) -> subprocess.CompletedProcess:
    """Run ``python -m grader`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "grader", *arguments],
        cwd=cwd,
        env={**kit_environment(), **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass
class Project:
    """A copy of the kit with one exercise of its own, ``40_tiny``, as ``new`` writes it."""

    root: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "grader", *arguments],
            cwd=self.root, env=kit_environment(self.root), capture_output=True, text=True, check=False,
        )  # fmt: skip

    def edit(self, place: str, old: str, new: str) -> None:
        path = self.root / place
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def breaks(self, law: str, path: str, *words: str, languages: tuple[str, ...] = ("--lang", "python")) -> str:
        """Verify; it fails with that law and file, and these words."""
        done = self.run("verify", "tiny", *languages)
        text = " ".join(done.stdout.split())
        assert done.returncode == 1, done.stdout + done.stderr
        for part in (f"{law} 40 tiny", path, *words):
            assert part in text, done.stdout
        assert done.stderr == ""
        return text


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kit")
    without = shutil.ignore_patterns("__pycache__", "check_*.py")
    shutil.copytree(PROJECT / "grader", root / "grader", ignore=without)
    (root / "exercises").mkdir()
    Project(root).run("new", "tiny").check_returncode()
    return root


@pytest.fixture
def project(pristine: Path, tmp_path: Path) -> Project:
    shutil.copytree(pristine, tmp_path / "kit")
    return Project(tmp_path / "kit")


@pytest.fixture(scope="session")
def handed_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit as a class is handed it: without the solutions."""
    root = tmp_path_factory.mktemp("handed_out")
    for name in ("grader", "exercises", "c_stubs"):
        shutil.copytree(PROJECT / name, root / name)
    for exercise in EXERCISES:  # as shipped, whatever has become of the project's own
        for language in LANGUAGES:
            (root / exercise.stub(language).relative_to(PROJECT)).write_text(Gaps(exercise).stub(language))
    return root


@pytest.fixture
def kit(handed_out: Path, tmp_path: Path) -> Project:
    """A learner's copy of the kit, to work in."""
    shutil.copytree(handed_out, tmp_path / "kit")
    return Project(tmp_path / "kit")


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    """An empty folder for a learner's files."""
    folder = tmp_path / "submission"
    folder.mkdir()
    return folder


@pytest.fixture
def grade(tmp_path: Path) -> Callable[..., Graded]:
    """Grade a folder: ``grade(folder, "send_all", "--lang", "c")``."""

    def run(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Graded:
        report = tmp_path / "report.json"
        done = run_kit("--submission", str(folder), "--report", f"json={report}", *arguments, env=env)
        units = json.loads(report.read_text())["units"] if report.exists() else []
        return Graded(done.returncode, done.stdout, done.stderr, {(u["exercise"], u["language"]): u for u in units})

    return run


@pytest.fixture
def grade_text(submission: Path, grade: Callable[..., Graded]) -> Callable[..., dict | None]:
    """Grade one file's text; its first check that did not pass, or None."""

    def run(exercise: Exercise, language: str, text: str | bytes, *arguments: str) -> dict | None:
        data = text.encode() if isinstance(text, str) else text
        (submission / exercise.file_name(language)).write_bytes(data)
        graded = grade(submission, exercise.slug, "--lang", language, *arguments)
        assert graded.units, graded.errors + graded.text
        return graded.first_failure(exercise.slug, language)

    return run


@pytest.fixture
def cast_of(tmp_path: Path) -> Iterator[Callable[..., Cast]]:
    """The parts of a check of a program, by its text: ``cast_of(text, "echo_server", "c")``."""
    open_now: list = []

    def make(text: str, slug: str = "echo_server", language: str = "python") -> Cast:
        exercise = by_slug(slug)
        path = tmp_path / exercise.file_name(language)
        path.write_text(text)
        unit = Unit(exercise, language, path)
        open_now.append(Stage([unit]))
        open_now.append(Cast(open_now[-1], unit))
        return open_now[-1]

    yield make
    for thing in reversed(open_now):
        thing.close()


def by_slug(slug: str) -> Exercise:
    return next(exercise for exercise in EXERCISES if exercise.slug == slug)


def solutions_in(folder: Path) -> None:
    """Lay the solutions out as a submission, in the project's own layout."""
    for exercise in EXERCISES:
        for language in ("python", "c"):
            place = folder / exercise.stub(language).relative_to(PROJECT)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(exercise.solution(language).read_bytes())
