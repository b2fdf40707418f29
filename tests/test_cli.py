"""The command line: what is chosen, what is refused, and the exit codes."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.catalogue.exercises import PROJECT
from grader.cli import COMMANDS
from tests.conftest import Graded, by_slug, kit_environment, run_kit, solutions_in


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
        (["send_all", "--lang", "python", "-k", "short_sends"], "\n  sends_every_byte_when_send_is_short\n"),
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


@pytest.mark.parametrize("arguments", [(), ("send_all", "--lang", "python")], ids=["several", "one"])
def test_an_interruption_ends_everything_at_once(arguments: tuple[str, ...]) -> None:
    grading = subprocess.Popen(
        [sys.executable, "-m", "grader", *arguments],
        cwd=PROJECT, env=kit_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        process_group=0,
    )  # fmt: skip
    while not (started := _descendants(grading.pid)):  # launchers, and a helper for several programs
        assert grading.poll() is None
        select.select([], [], [], 0.001)
    watched = [os.pidfd_open(pid) for pid in started]

    os.killpg(grading.pid, signal.SIGINT)
    output, errors = grading.communicate()

    assert (grading.returncode, output, errors) == (130, "", "grader: interrupted\n")
    for pidfd in watched:
        assert select.select([pidfd], [], [], 10)[0]  # it has ended
        os.close(pidfd)


def _descendants(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    children = [int(child) for child in listed.read_text().split()] if listed.exists() else []
    return children + [grandchild for child in children for grandchild in _descendants(child)]


def test_what_a_program_prints_is_judged_last(submission: Path, grade: Callable[..., Graded]) -> None:
    loud = "def send_all(sock, data):\n    print('sending', len(data))\n"
    (submission / "send_all.py").write_text(loud + "    while data:\n        data = data[sock.send(data):]\n")

    sound = grade(submission, "send_all")
    (submission / "send_all.py").write_text(loud + "    if data:\n        sock.send(data)\n")
    short = grade(submission, "send_all")

    told = sound.first_failure("send_all", "python")["diagnosis"]["sentence"]
    assert told.startswith("the program printed 'sending 44'")
    assert short.first_failure("send_all", "python")["diagnosis"]["gap"] == "short-send"
    assert "it printed\n       sending" in short.text


def test_a_home_that_cannot_be_written_is_no_obstacle(
    submission: Path, grade: Callable[..., Graded], tmp_path: Path
) -> None:
    solutions_in(submission)
    nowhere = {"HOME": "/proc/nobody", "XDG_CACHE_HOME": "", "THIRTEEN_BYTES_CACHE": "", "TMPDIR": str(tmp_path)}

    graded = grade(submission, "send_all", "--lang", "c", env=nowhere)

    assert graded.code == 0, graded.text + graded.errors
    assert [path.stat().st_mode & 0o777 for path in tmp_path.glob("thirteen-bytes-*")] == [0o700]


def test_a_cache_that_cannot_be_written_is_named(submission: Path, grade: Callable[..., Graded]) -> None:
    solutions_in(submission)

    graded = grade(submission, "send_all", "--lang", "c", env={"THIRTEEN_BYTES_CACHE": "/proc/nowhere"})

    assert graded.code == 2
    assert "THIRTEEN_BYTES_CACHE names a folder that cannot be written" in graded.text
    assert "Traceback" not in graded.text + graded.errors


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
    for tool in ("true", "bwrap", "setpriv", "prlimit"):
        (tools / tool).symlink_to(shutil.which(tool))
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

    arguments = ("send_all", "--lang", "python", "--submission", str(submission), "--sandbox", "none")
    done = run_kit(*arguments, env={"PYTHONPATH": ""}, cwd=kit)

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


def test_every_command_has_a_help_a_session_of_nox_and_a_row_in_the_readme() -> None:
    readme, noxfile = ((PROJECT / name).read_text() for name in ("README.md", "noxfile.py"))

    for name in COMMANDS:
        done = run_kit(name, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert f"def {name}(session: nox.Session)" in noxfile
        assert f"\n| `nox -s {name}" in readme
    assert "exit codes: " in done.stdout


def test_a_missing_file_of_the_learner_is_told() -> None:
    exercise = by_slug("send_all")

    assert exercise.within(Path("/nowhere"), "c") == Path("/nowhere/c_stubs/04_send_all/send_all.c")
