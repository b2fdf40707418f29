"""`doctor`: what a machine has, and the one command that mends what it lacks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.coach import doctor
from tests.conftest import PROJECT, run_kit


def _said(done: subprocess.CompletedProcess) -> str:
    assert "Traceback" not in done.stdout + done.stderr
    return " ".join(done.stdout.split())


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for the PATH, which has next to nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "true").symlink_to(shutil.which("true"))
    return folder


def _looked(tools: Path, **environment: str) -> subprocess.CompletedProcess:
    return run_kit(
        "doctor", env={"PATH": str(tools), "THIRTEEN_BYTES_CACHE": str(tools.parent / "cache"), **environment}
    )


def test_everything_is_told_of_once() -> None:
    done = run_kit("doctor")

    shown = [
        line[7:].partition(":")[0] for line in done.stdout.splitlines() if line[:7].strip() in ("ok", "lacks", "could")
    ]
    for subject in ("system", "python", "cache", "compiler", "networks", "ipv6", "manual", "locale", "sandbox"):
        assert shown.count(subject) == 1, done.stdout
    lacks = any(line.startswith(" lacks") for line in done.stdout.splitlines())
    assert done.returncode == (1 if lacks else 0)
    assert ("all exercises can be graded here" in done.stdout) is not lacks
    assert done.stderr == ""
    assert sys.executable in done.stdout or Path(sys.executable).name in done.stdout


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt install gcc"),
        ("dnf", "sudo dnf install gcc"),
        ("pacman", "sudo pacman -S gcc"),
        ("apk", "sudo apk add gcc musl-dev"),
    ],
)
def test_a_compiler_that_lacks_is_one_command_away(tools: Path, manager: str, command: str) -> None:
    (tools / manager).symlink_to(shutil.which("true"))

    done = _looked(tools)

    assert done.returncode == 1
    assert " lacks compiler: there is no C compiler here. The C half cannot be graded." in f" {_said(done)}"
    assert f"\n         {command}\n" in done.stdout


def test_the_manual_and_the_sandbox_are_no_need(tools: Path) -> None:
    (tools / "cc").symlink_to(shutil.which("gcc") or shutil.which("cc"))
    (tools / "apt-get").symlink_to(shutil.which("true"))

    said = _said(_looked(tools))

    assert "could manual: the pages that reports name" in said
    assert "sudo apt install man-db manpages manpages-dev" in said
    assert "could sandbox: strangers' programs are not graded here, for they cannot be confined: bubblewrap" in said
    assert "sudo apt install bubblewrap" in said


def test_without_a_package_manager_that_is_known_no_command_is_made_up(tools: Path) -> None:
    done = _looked(tools)

    assert "there is no C compiler here" in _said(done)
    assert "install gcc" not in done.stdout


def test_a_compiler_and_a_cache_that_are_named_and_not_there_are_told(tools: Path) -> None:
    assert "the compiler that CC names, no-such-cc, is not there" in _said(_looked(tools, CC="no-such-cc"))

    done = _looked(tools, THIRTEEN_BYTES_CACHE="/proc/nowhere")

    assert done.returncode == 1
    assert "unset THIRTEEN_BYTES_CACHE" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_locale_that_is_not_installed_is_named(tools: Path) -> None:
    said = _said(_looked(tools, LC_ALL="xx_YY.UTF-8"))

    assert "could locale: the locale xx_YY.UTF-8 that the environment names is not installed" in said
    assert "export LC_ALL=C.UTF-8" in said


@pytest.mark.parametrize(
    ("name", "release", "state", "words"),
    [
        ("Linux", "6.1.0-18-amd64", "ok", "Linux 6.1.0-18-amd64"),
        ("Linux", "5.15.153.1-microsoft-standard-WSL2", "ok", "WSL 2"),
        ("Linux", "4.4.0-19041-Microsoft", "lacks", "WSL 1: it has no Linux kernel"),
        ("Darwin", "23.4.0", "lacks", "C is not graded here"),
        ("Windows", "10", "lacks", "WSL 2 has one"),
    ],
)
def test_honest_words_on_each_system(name: str, release: str, state: str, words: str) -> None:
    found = doctor.system(name, release)

    assert found.state == state
    assert words in found.words
    assert bool(found.remedy) == (state != "ok")


def test_an_old_python_is_told() -> None:
    assert doctor.python((3, 10, 2), "/usr/bin/python3").state == "lacks"
    assert doctor.python((3, 11, 0), "/usr/bin/python3").state == "ok"


def test_an_older_python_says_so_itself() -> None:
    """Nothing that an older one does not have is imported before."""
    script = (
        "import runpy, sys\n"
        "sys.version_info, sys.version = (3, 9, 18), '3.9.18 (old)'\n"
        "runpy.run_path('grader/__main__.py')\n"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("grader: Python 3.11 or newer is needed; this is 3.9.18")


def test_bad_usage_is_told_in_a_sentence() -> None:
    done = run_kit("doctor", "now")

    assert done.returncode == 3
    assert "unrecognized arguments: now" in done.stderr
