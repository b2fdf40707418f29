"""`diff`: the reference beside one's own file, and why each gap mattered."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.conftest import PROJECT, Project, by_slug

STUB = "exercises/04_send_all/send_all.py"
EXERCISE = by_slug("send_all")
REFERENCE = EXERCISE.solution("python").read_text()
RIGHT = (EXERCISE.solution("python").parent / "accepted" / "slices.py").read_text()


@pytest.fixture
def whole(kit: Project) -> Project:
    """A copy of the kit with its solutions."""
    shutil.copytree(PROJECT / "solutions" / EXERCISE.key, kit.root / "solutions" / EXERCISE.key)
    return kit


def _said(done: subprocess.CompletedProcess) -> str:
    assert "Traceback" not in done.stdout + done.stderr
    return " ".join(done.stdout.split())


def test_after_a_pass_the_reference_is_shown_with_why_each_gap_mattered(whole: Project) -> None:
    (whole.root / STUB).write_text(RIGHT)

    done = whole.run("diff", "send_all", "--lang", "python")

    assert done.returncode == 0, done.stdout + done.stderr
    for sign, text, other in (("-", RIGHT, REFERENCE), ("+", REFERENCE, RIGHT)):
        shown = [line[8:] for line in done.stdout.splitlines() if line.startswith(f" {sign}  ")]
        assert {line for line in text.splitlines() if line.strip()} - set(other.splitlines()) <= set(shown)
    for gap in EXERCISE.gaps_of("python"):
        assert f"{gap.slug} (reference, line " in _said(done)
        assert gap.sentence in _said(done)
        assert gap.hints[1] in _said(done)
    for path in EXERCISE.solution("python").parent.glob("accepted/*.py"):
        assert f"solutions/04_send_all/accepted/{path.name}" in done.stdout


def test_the_reference_itself_has_no_difference(whole: Project) -> None:
    (whole.root / STUB).write_text(REFERENCE)

    assert "The file is the reference itself." in _said(whole.run("diff", "send_all", "--lang", "python"))


def test_before_a_pass_it_is_not_shown_unasked(whole: Project) -> None:
    refused = whole.run("diff", "send_all", "--lang", "python")
    shown = whole.run("diff", "send_all", "--lang", "python", "--yes")

    assert refused.returncode == 3
    assert "does not pass yet (fail hard-coded-length). Show the reference all the same?" in refused.stderr
    assert "There is no terminal to ask at: --yes says so" in refused.stderr
    assert "sock.send" not in refused.stdout
    assert shown.returncode == 0
    assert "reference, line " in _said(shown)


def test_a_copy_without_solutions_says_so(kit: Project) -> None:
    done = kit.run("diff", "send_all", "--lang", "python", "--yes")

    assert done.returncode == 1
    assert "This copy of the kit has no solutions/" in _said(done)


def test_a_missing_file_is_told(whole: Project) -> None:
    (whole.root / STUB).unlink()

    done = whole.run("diff", "send_all", "--lang", "python")

    assert done.returncode == 1
    assert "exercises/04_send_all/send_all.py: No such file or directory" in _said(done)
    assert "nox -s reset -- send_all --lang python puts the stub back" in _said(done)


@pytest.mark.parametrize(
    ("arguments", "words"), [([], "name an exercise: nox -s diff -- 04"), (["sendall"], "did you mean send_all?")]
)
def test_bad_usage_is_told_in_a_sentence(kit: Project, arguments: list[str], words: str) -> None:
    done = kit.run("diff", *arguments)

    assert done.returncode == 3
    assert words in done.stderr
