"""The command line: what is chosen, what is refused, and the exit codes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.catalogue.exercises import PROJECT
from tests.conftest import Graded, by_slug, run_kit, solutions_in


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sendall"], "did you mean send_all?"),
        (["99"], "there is no exercise '99'"),
        (["--lang", "rust"], "invalid choice: 'rust'"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--report", "xml"], "write FORMAT=FILE"),
        (["--report", "tap=file"], "write FORMAT=FILE"),
        (["--submission", "/nowhere/at/all"], "is not a folder"),
        (["send_all", "--lang", "python", "-k", "no_such_check"], "no check matches"),
        (["send_all", "--lang", "python", "-k", "and and"], "no check matches"),
    ],
)
def test_bad_usage_is_told_in_a_sentence(arguments: list[str], words: str) -> None:
    done = run_kit(*arguments)

    assert done.returncode == 3
    assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("name", ["4", "04", "send_all", "send-all", "04_send_all", "exercises/04_send_all/"])
def test_an_exercise_goes_by_many_names(name: str, submission: Path, grade: Callable[..., Graded]) -> None:
    solutions_in(submission)

    graded = grade(submission, name, "--lang", "python")

    assert graded.code == 0
    assert list(graded.units) == [("04_send_all", "python")]


def test_several_exercises_come_in_the_order_of_the_syllabus(submission: Path, grade: Callable[..., Graded]) -> None:
    solutions_in(submission)

    graded = grade(submission, "tcp_server", "03", "--lang", "python")

    assert [key for key, _ in graded.units] == ["03_tcp_client", "09_tcp_server"]


def test_k_runs_only_the_checks_that_match(submission: Path, grade: Callable[..., Graded]) -> None:
    solutions_in(submission)

    graded = grade(submission, "send_all", "-k", "short")

    checks = [check["check"] for unit in graded.units.values() for check in unit["checks"]]
    assert checks == ["check_sends_every_byte_when_send_is_short"] * 2
    assert graded.code == 0


def test_a_submission_without_files_is_bad_usage(submission: Path) -> None:
    done = run_kit("--submission", str(submission))

    assert done.returncode == 3
    assert "has no file of the exercises named" in done.stderr


def test_a_report_that_cannot_be_written_is_told(submission: Path) -> None:
    solutions_in(submission)

    done = run_kit("send_all", "--lang", "python", "--submission", str(submission), "--report", "json=/nowhere/r.json")

    assert done.returncode == 3
    assert "the report cannot be written" in done.stderr


@pytest.fixture
def without_compiler(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH has no C compiler."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "true").symlink_to(shutil.which("true"))
    return {"PATH": str(tools), "THIRTEEN_BYTES_CACHE": str(tmp_path / "cache")}


def test_without_a_compiler_the_python_half_works(
    submission: Path, grade: Callable[..., Graded], without_compiler: dict[str, str]
) -> None:
    solutions_in(submission)

    graded = grade(submission, "1", "2", "3", "4", "5", env=without_compiler)

    assert {unit["verdict"] for (_, lang), unit in graded.units.items() if lang == "python"} == {"pass"}
    assert {unit["verdict"] for (_, lang), unit in graded.units.items() if lang == "c"} == {"skip"}
    assert "sudo apt install gcc" in graded.text
    assert graded.code == 0


def test_nothing_judged_is_no_success(
    submission: Path, grade: Callable[..., Graded], without_compiler: dict[str, str]
) -> None:
    solutions_in(submission)

    assert grade(submission, "--lang", "c", env=without_compiler).code == 2


def test_a_compiler_that_is_not_there_is_named(submission: Path, grade: Callable[..., Graded], tmp_path: Path) -> None:
    solutions_in(submission)

    graded = grade(
        submission, "send_all", "--lang", "c", env={"CC": "no-such-cc", "THIRTEEN_BYTES_CACHE": str(tmp_path)}
    )

    assert "the compiler that CC names, no-such-cc, is not there" in graded.text


def test_a_fault_of_the_kit_has_its_own_exit_code(tmp_path: Path, submission: Path) -> None:
    kit = tmp_path / "kit"
    for name in ("grader", "exercises", "c_stubs"):
        shutil.copytree(PROJECT / name, kit / name)
    check = kit / "grader" / "checks" / "check_send_all.py"
    check.write_text(check.read_text().replace('learner.runs("send_all", peer', 'learner.rums("send_all", peer', 1))
    solutions_in(submission)

    done = run_kit("send_all", "--lang", "python", "--submission", str(submission), env={"PYTHONPATH": ""}, cwd=kit)

    assert done.returncode == 2
    assert "This is a fault of the kit or of its check, not of the program." in done.stdout
    assert "grader/checks/check_send_all.py:" in done.stdout
    assert "there is no verb `rums`; do you mean `runs`?" in done.stdout
    assert "Traceback" not in done.stdout


def test_grading_works_without_the_solutions(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    for name in ("grader", "exercises", "c_stubs"):
        shutil.copytree(PROJECT / name, kit / name)

    done = run_kit("send_all", env={"PYTHONPATH": ""}, cwd=kit)

    assert done.returncode == 1, done.stderr
    assert done.stdout.count("fail hard-coded-length") == 2


def test_the_environment_does_not_steer_the_judge(
    submission: Path, grade: Callable[..., Graded], monkeypatch: pytest.MonkeyPatch
) -> None:
    (submission / "send_all.py").write_text("def send_all(sock, data):\n    pass\n")
    (submission / "conftest.py").write_text("raise SystemExit(0)\n")
    (submission / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    (submission / "socket.py").write_text("raise SystemExit(0)\n")

    graded = grade(submission, "send_all", env={"PYTEST_ADDOPTS": "--collect-only", "PYTEST_PLUGINS": "nonsense"})

    assert graded.code == 1
    assert graded.unit("send_all", "python")["verdict"] == "fail"


def test_a_missing_file_of_the_learner_is_told() -> None:
    exercise = by_slug("send_all")

    assert exercise.within(Path("/nowhere"), "c") == Path("/nowhere/c_stubs/04_send_all/send_all.c")
