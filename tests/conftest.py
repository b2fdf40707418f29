"""What the tests share: grading files through the front door, as people do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.catalogue.exercises import PROJECT, Exercise, load_all

EXERCISES = load_all()


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


def by_slug(slug: str) -> Exercise:
    return next(exercise for exercise in EXERCISES if exercise.slug == slug)


def solutions_in(folder: Path) -> None:
    """Lay the solutions out as a submission, in the project's own layout."""
    for exercise in EXERCISES:
        for language in ("python", "c"):
            place = folder / exercise.stub(language).relative_to(PROJECT)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(exercise.solution(language).read_bytes())
