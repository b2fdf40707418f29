"""Every gap, opened alone, is reported under its own name and at its own line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from grader.catalogue.exercises import Exercise
from grader.catalogue.gaps import Gaps
from tests.conftest import EXERCISES, Graded, solutions_in

MUTANTS = [
    pytest.param(exercise, language, gap.slug, id=f"{exercise.slug}-{language}-{gap.slug}")
    for exercise in EXERCISES
    for language in ("python", "c")
    for gap in exercise.gaps_of(language)
]


@pytest.mark.parametrize(("exercise", "language", "slug"), MUTANTS)
def test_a_gap_alone_is_reported_by_name_and_line(
    exercise: Exercise, language: str, slug: str, grade_text: Callable[..., dict | None]
) -> None:
    text = Gaps(exercise).mutant(language, slug)

    failure = grade_text(exercise, language, text)

    assert failure is not None, "the mutant passes"
    diagnosis = failure["diagnosis"]
    assert (diagnosis["gap"], diagnosis["title"]) == (slug, exercise.gaps[slug].sentence)
    place = diagnosis["places"][0]
    assert place["file"] == exercise.file_name(language)
    expected = Gaps(exercise).line(language, slug)
    assert expected
    assert expected in text.splitlines()[place["line"] - 1]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)
@pytest.mark.parametrize("language", ["python", "c"])
def test_a_stub_is_its_solution_with_all_gaps_open(exercise: Exercise, language: str) -> None:
    stub = exercise.stub(language).read_text()

    assert stub == Gaps(exercise).stub(language), "write it anew from gaps.toml"


def test_the_solutions_pass_every_check(submission: Path, grade: Callable[..., Graded]) -> None:
    solutions_in(submission)

    graded = grade(submission)

    assert graded.code == 0, graded.text
    assert {unit["verdict"] for unit in graded.units.values()} == {"pass"}
    assert len(graded.units) == 2 * len(EXERCISES)


def test_the_stubs_fail_for_their_own_first_gap(tmp_path: Path, grade: Callable[..., Graded]) -> None:
    folder = tmp_path / "stubs"
    for exercise in EXERCISES:
        for language in ("python", "c"):
            place = folder / exercise.file_name(language)
            place.parent.mkdir(exist_ok=True)
            place.write_text(Gaps(exercise).stub(language))

    graded = grade(folder)

    assert graded.code == 1
    first = {key: graded.first_failure(key[0][3:], key[1])["diagnosis"]["gap"] for key in graded.units}
    assert first == {
        ("03_tcp_client", "python"): "one-recv",
        ("03_tcp_client", "c"): "one-recv",
        ("04_send_all", "python"): "hard-coded-length",
        ("04_send_all", "c"): "hard-coded-length",
        ("09_tcp_server", "python"): "fd-mix-up",
        ("09_tcp_server", "c"): "fd-mix-up",
    }


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)
@pytest.mark.parametrize("language", ["python", "c"])
def test_closing_gaps_in_the_order_reported_leads_to_a_pass(
    exercise: Exercise, language: str, grade_text: Callable[..., dict | None]
) -> None:
    gaps = Gaps(exercise)
    still_open = [gap.slug for gap in exercise.gaps_of(language)]
    while still_open:
        failure = grade_text(exercise, language, gaps.with_open(language, still_open))
        assert failure is not None, f"passes with {still_open} open"
        reported = failure["diagnosis"]["gap"]
        assert reported in still_open, failure["diagnosis"]["sentence"]
        still_open.remove(reported)

    assert grade_text(exercise, language, gaps.with_open(language, [])) is None


def test_the_guides_thirteen_bytes(grade_text: Callable[..., dict | None]) -> None:
    exercise = next(e for e in EXERCISES if e.slug == "send_all")
    text = """#include "send_all.h"
#include <sys/socket.h>

int send_all(int fd, const void *data, size_t len)
{
    (void)len;
    return send(fd, data, 13, MSG_NOSIGNAL) == -1 ? -1 : 0;
}
"""

    failure = grade_text(exercise, "c", text)

    assert failure["diagnosis"]["sentence"] == "send_all.c:7 send() was asked for 13 bytes of a 44-byte message"


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("c", ("`listener`", "`connection`", "tcp_server.c:65", "tcp_server.c:60")),
        ("python", ("`listener`", "`connection`", "tcp_server.py:26", "tcp_server.py:21")),
    ],
)
def test_the_mixed_up_descriptor_names_both_variables_and_lines(
    language: str, parts: tuple[str, ...], grade_text: Callable[..., dict | None]
) -> None:
    exercise = next(e for e in EXERCISES if e.slug == "tcp_server")

    failure = grade_text(exercise, language, Gaps(exercise).mutant(language, "fd-mix-up"))

    assert all(part in failure["diagnosis"]["sentence"] for part in parts), failure["diagnosis"]["sentence"]
