"""The same verdicts, diagnoses and transcripts in every repetition, under load."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.catalogue.gaps import Gaps
from tests.conftest import Graded, by_slug, solutions_in

REPETITIONS = 2
#: A lent connection, a server that goes on in many processes, a held clock;
#: ``verify --repeat`` compares all of them, as often as it is told.
COMPARED = ("send_all", "fork_server", "connect_deadline")


@pytest.fixture
def busy_neighbours() -> Iterator[None]:
    """Four processes that compute for as long as the test lasts."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    yield
    for hog in hogs:
        hog.kill()
        hog.wait()


@pytest.mark.timeout(900)  # beside four others on two processors
@pytest.mark.usefixtures("busy_neighbours")
@pytest.mark.parametrize("kind", ["stubs", "solutions"])
def test_repetitions_are_identical_under_load(kind: str, submission: Path, grade: Callable[..., Graded]) -> None:
    if kind == "solutions":
        solutions_in(submission)
    else:
        for exercise in map(by_slug, COMPARED):
            for language in ("python", "c"):
                (submission / exercise.file_name(language)).write_text(Gaps(exercise).stub(language))

    first, *others = (_told(grade(submission, *COMPARED, "-v", "-k", "not failing_call")) for _ in range(REPETITIONS))

    for other in others:
        assert other == first, "\n".join(difflib.unified_diff(first, other, "first", "other", "", "", 12, ""))


def _told(graded: Graded) -> list[str]:
    """All that a run says, line by line, without how long it took."""
    for unit in graded.units.values():
        for check in unit["checks"]:
            del check["seconds"]
    return [*graded.text.splitlines(), *json.dumps(list(graded.units.values()), indent=1).splitlines()]
