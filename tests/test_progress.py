"""Progress that does not lie: gaps, reasons, what was not run, and a report that is the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from grader.catalogue.gaps import Gaps
from tests.conftest import Graded, Project, by_slug

STUB = "exercises/04_send_all/send_all.py"
SAME = "The file was changed, and this report is the same as the one before."
HINT = "For a hint:  nox -s hint -- send_all --lang python"
HANGS = """
def send_all(sock, data):
    sock.sendall(data[:13])
    if len(data) > 100:
        sock.recv(1)
"""


def _progress(kit: Project) -> dict:
    return json.loads((kit.root / "progress.json").read_text())


def test_gaps_are_counted_as_far_as_the_checks_show(submission: Path, grade: Callable[..., Graded]) -> None:
    """In the order in which they are reported, each that is closed is counted, or not yet; none is that is open."""
    gaps, still_open = Gaps(by_slug("send_all")), [gap.slug for gap in by_slug("send_all").gaps_of("c")]
    every, counts = list(still_open), []
    while still_open:
        (submission / "send_all.c").write_text(gaps.with_open("c", still_open))
        graded = grade(submission, "send_all", "--lang", "c")
        unit = graded.unit("send_all", "c")
        assert unit["gaps"] == every
        assert not set(unit["closed"]) & set(still_open)
        assert f" · {len(unit['closed'])} of {len(every)} gaps closed as far as the checks show" in graded.text
        counts.append(len(unit["closed"]))
        still_open.remove(graded.first_failure("send_all", "c")["diagnosis"]["gap"])
    assert counts == sorted(counts)
    assert counts[-1] == len(every) - 1


def test_a_program_that_passes_has_all_its_gaps_closed(submission: Path, grade: Callable[..., Graded]) -> None:
    (submission / "send_all.py").write_text(by_slug("send_all").solution("python").read_text())

    graded = grade(submission, "send_all")

    assert graded.unit("send_all", "python")["closed"] == graded.unit("send_all", "python")["gaps"]
    assert "\n all passed\n" in graded.text


def test_checks_that_fail_for_the_same_reason_are_one_entry(submission: Path, grade: Callable[..., Graded]) -> None:
    (submission / "send_all.py").write_text("def send_all(sock, data):\n    sock.send(data[:13])\n")

    short, full = grade(submission, "send_all"), grade(submission, "send_all", "-v")

    failing = [c for c in full.unit("send_all", "python")["checks"] if c["verdict"] == "fail"]
    same = [c for c in failing if c["diagnosis"]["gap"] == "hard-coded-length"]
    assert f"\n       {len(same) - 1} more checks fail for the same reason\n" in short.text
    assert f"\n       {len(same) - 1} more checks fail for the same reason:\n       - " in full.text
    assert "".join(full.text.split()).count("".join(same[1]["title"].split())) == 1
    reasons = {
        (c["diagnosis"]["gap"] or c["diagnosis"]["sentence"], str(c["diagnosis"]["places"][:1])) for c in failing
    }
    assert f"{len(reasons) - 1} more reason" in short.text
    assert full.text.count("again  nox") == len(reasons) < len(failing)


def test_what_was_not_run_after_a_hang_is_counted(submission: Path, grade: Callable[..., Graded]) -> None:
    (submission / "send_all.py").write_text(HANGS)

    graded = grade(submission, "send_all")

    unit = graded.unit("send_all", "python")
    assert unit["checks"][-1]["verdict"] == "hang"
    assert unit["not_run"] > 1
    assert f"{unit['not_run']} checks not run after a hang" in graded.text


def test_a_report_that_a_change_has_left_the_same_says_so(kit: Project) -> None:
    again = ("grade", "send_all", "--lang", "python")
    text = (kit.root / STUB).read_text()

    first, second = kit.run(*again), kit.run(*again)
    (kit.root / STUB).write_text("# another line\n" + text)  # the lines have other numbers now
    moved = kit.run(*again)
    (kit.root / STUB).write_text(Gaps(by_slug("send_all")).mutant("python", "short-send"))
    another = kit.run(*again)
    (kit.root / STUB).write_text(text + "# and one at the end\n")
    kit.run(*again)
    (kit.root / STUB).write_text(text)
    full = kit.run(*again, "-v")

    assert full.stdout.count(SAME) == 1
    assert [SAME in done.stdout for done in (first, second, moved, another)] == [False, False, True, False]
    assert HINT in moved.stdout
    assert first.stdout == second.stdout


def test_a_hint_is_not_offered_where_there_is_none(kit: Project) -> None:
    (kit.root / STUB).write_text("def send_all(sock, data:\n")
    kit.run("send_all", "--lang", "python")
    (kit.root / STUB).write_text("def send_all(sock, data:\n\n")
    done = kit.run("send_all", "--lang", "python")

    assert SAME in done.stdout
    assert "For a hint" not in done.stdout


def test_progress_knows_the_languages_that_are_worked_in(kit: Project) -> None:
    kit.run("send_all")
    assert _progress(kit)["languages"] == []

    kit.edit("c_stubs/04_send_all/send_all.c", "#include <errno.h>", "#include <errno.h>\n")
    done = kit.run("send_all")

    assert _progress(kit)["languages"] == ["c"]
    assert " fail  04 send_all · c · " in done.stdout  # and not Python's, which nobody has touched
    assert "04 send_all · c · 1 of 3" in kit.run("hint").stdout
    kit.run("send_all", "--lang", "python")
    assert _progress(kit)["languages"] == ["python", "c"]
    entry = _progress(kit)["programs"]["04_send_all c"]
    assert (entry["verdict"], entry["gap"], entry["closed"]) == ("fail", "hard-coded-length", "0 of 8")
    assert entry["hints"] == {"hard-coded-length": 1}  # grading again takes none away


def test_the_exercise_that_fails_is_the_one_to_go_on_with(kit: Project) -> None:
    for slug in ("send_all", "recv_exactly"):
        kit.run(slug, "--lang", "python")
    assert _progress(kit)["last"] == "05_recv_exactly"

    (kit.root / STUB).write_text(by_slug("send_all").solution("python").read_text())
    kit.run("send_all", "recv_exactly", "--lang", "python")

    assert _progress(kit)["last"] == "05_recv_exactly"


def test_a_submission_or_a_choice_of_checks_is_not_remembered(kit: Project, submission: Path) -> None:
    (submission / "send_all.py").write_text((kit.root / STUB).read_text())

    kit.run("send_all", "--lang", "python", "--submission", str(submission))
    kit.run("send_all", "--lang", "python", "-k", "short")

    assert not (kit.root / "progress.json").exists()


def test_grading_does_not_depend_on_the_file(kit: Project) -> None:
    (kit.root / "progress.json").write_text("{")
    broken = kit.run("send_all", "--lang", "python")
    (kit.root / "progress.json.new").mkdir()
    unwritten = kit.run("send_all", "--lang", "python")

    assert broken.returncode == unwritten.returncode == 1
    assert "it is progress.json.1 now, and a new one was begun" in broken.stdout
    assert "progress" not in unwritten.stdout + unwritten.stderr
