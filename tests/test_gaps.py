"""Solutions, stubs, and the two mistakes that the guide is known for.

Each gap by itself is proven by ``verify``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from grader.catalogue.gaps import Gaps
from tests.conftest import EXERCISES, Graded, solutions_in


@pytest.mark.timeout(900)  # all exercises in both languages
def test_the_solutions_pass_every_check(submission: Path, grade: Callable[..., Graded]) -> None:
    solutions_in(submission)

    graded = grade(submission, "-k", "not failing_call")  # verify plays the sweeps

    assert graded.code == 0, graded.text
    assert {unit["verdict"] for unit in graded.units.values()} == {"pass"}
    assert len(graded.units) == 2 * len(EXERCISES)


@pytest.mark.timeout(900)  # all exercises in both languages
def test_the_stubs_fail_for_a_gap_of_their_own_in_lines_that_fit_a_terminal(
    tmp_path: Path, grade: Callable[..., Graded]
) -> None:
    folder = tmp_path / "stubs"
    for exercise in EXERCISES:
        for language in ("python", "c"):
            place = folder / exercise.file_name(language)
            place.parent.mkdir(exist_ok=True)
            place.write_text(Gaps(exercise).stub(language))

    graded = grade(folder, "-v")

    assert graded.code == 1
    # the compiler's own lines, titles and paths are as long as they are
    lines = [line for line in graded.text.splitlines() if "·" not in line and "/stubs" not in line]
    compiler = [line for line in lines if " | " in line or line.rstrip().endswith(("|", "]"))]
    assert [line for line in lines if len(line) > 80 and line not in compiler] == []
    for exercise in EXERCISES:
        for language in ("python", "c"):
            failure = graded.first_failure(exercise.slug, language)
            assert failure is not None, f"{exercise.key} in {language} passes"
            known = [gap.slug for gap in exercise.gaps_of(language)]
            assert failure["diagnosis"]["gap"] in known, (exercise.key, language, failure["diagnosis"]["sentence"])


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
