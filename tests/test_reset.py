"""`reset`: the stub is back, and what was there is kept."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.catalogue.gaps import Gaps
from tests.conftest import PROJECT, Project, by_slug, kit_environment

STUB = "exercises/04_send_all/send_all.py"
C_STUB = "c_stubs/04_send_all/send_all.c"
SHIPPED = Gaps(by_slug("send_all")).stub("python")
MINE = "def send_all(sock, data):\n    sock.sendall(data)\n"


@pytest.fixture
def whole(kit: Project) -> Project:
    """A copy of the kit with its solutions."""
    shutil.copytree(PROJECT / "solutions", kit.root / "solutions")
    return kit


def _said(done: subprocess.CompletedProcess) -> str:
    assert "Traceback" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines()), default=0) <= 80
    return " ".join(done.stdout.split())


def _answer(kit: Project, typed: bytes, *arguments: str) -> tuple[int, str]:
    """Run the command at a terminal, and type something there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "reset", *arguments],
        cwd=kit.root, env=kit_environment(kit.root), stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, typed)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(), " ".join(shown.decode().split())


def test_the_stub_is_put_back_and_every_version_kept(whole: Project) -> None:
    path = whole.root / STUB
    for number in (1, 2):
        path.write_text(f"{MINE}# {number}\n")
        done = whole.run("reset", "4", "--yes")
        assert done.returncode == 0
        assert f"{STUB} is as it was shipped again" in _said(done)
        assert f"What was there is {STUB}.{number}" in _said(done)
        assert path.read_text() == SHIPPED
    assert [(path.parent / f"send_all.py.{n}").read_text() for n in (1, 2)] == [f"{MINE}# {n}\n" for n in (1, 2)]
    assert not list(path.parent.glob("*.new"))


def test_nothing_is_done_without_being_asked_for(whole: Project) -> None:
    path = whole.root / STUB
    path.write_text(MINE)

    piped = whole.run("reset", "4")
    refused = [_answer(whole, typed, "4") for typed in (b"n\n", b"\n", b"\x04", b"nonsense\n")]

    assert piped.returncode == 3
    assert "There is no terminal to ask at: --yes says so" in piped.stderr
    assert [code for code, _ in refused] == [1, 1, 1, 1]
    assert all(f"Put back {STUB}, of which " in shown and "[y/N]" in shown for _, shown in refused)
    assert all("It was left as it is." in shown for _, shown in refused)
    assert path.read_text() == MINE
    assert not list(path.parent.glob("*.1"))


def test_yes_at_the_terminal_puts_it_back(whole: Project) -> None:
    (whole.root / STUB).write_text(MINE)

    code, _ = _answer(whole, b"y\n", "4", "--lang", "python")

    assert code == 0
    assert (whole.root / STUB).read_text() == SHIPPED


def test_another_language_is_left_alone(whole: Project) -> None:
    (whole.root / STUB).write_text(MINE)

    done = whole.run("reset", "4", "--lang", "c")

    assert done.returncode == 0
    assert f"{C_STUB} is as it was shipped: there is nothing to put back" in _said(done)
    assert (whole.root / STUB).read_text() == MINE


def test_a_file_that_was_deleted_is_back_without_a_question(whole: Project) -> None:
    (whole.root / STUB).unlink()

    done = whole.run("reset", "4")

    assert done.returncode == 0
    assert (whole.root / STUB).read_text() == SHIPPED


def test_two_files_that_were_changed_need_a_language(whole: Project) -> None:
    for stub in (STUB, C_STUB):
        (whole.root / stub).write_text("x\n")

    assert "was changed in both languages: add --lang python or --lang c" in whole.run("reset", "4", "--yes").stderr
    assert whole.run("reset", "4", "--yes", "--lang", "c").returncode == 0
    assert (whole.root / C_STUB).read_text() == Gaps(by_slug("send_all")).stub("c")
    assert (whole.root / STUB).read_text() == "x\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([], "name an exercise: nox -s reset -- 04"), (["sendall"], "did you mean send_all?"), (["4", "5"], "5")],
)
def test_bad_usage_is_told_in_a_sentence(kit: Project, arguments: list[str], words: str) -> None:
    done = kit.run("reset", *arguments)

    assert done.returncode == 3
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_copy_without_solutions_has_what_was_kept(whole: Project) -> None:
    kept = whole.run("reset", "--keep")
    shutil.rmtree(whole.root / "solutions")
    (whole.root / STUB).write_text(MINE)

    done = whole.run("reset", "4", "--yes")

    assert "wrote originals/04_send_all/send_all.py" in kept.stdout
    assert "from originals/04_send_all/send_all.py" in _said(done)
    assert (whole.root / STUB).read_text() == SHIPPED


def _git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


@pytest.mark.tools("git")
def test_a_copy_without_solutions_asks_git(kit: Project) -> None:
    """The version of the last commit that changed the kit, whatever the learner has committed since."""
    _git(kit.root, "init")
    _git(kit.root, "add", "grader/__init__.py", "exercises", "c_stubs")
    _git(kit.root, "commit", "-m", "the kit")
    (kit.root / STUB).write_text(MINE)
    _git(kit.root, "commit", "-am", "my work")
    (kit.root / STUB).write_text(MINE + "# more\n")

    done = kit.run("reset", "4", "--yes", "--lang", "python")

    assert done.returncode == 0
    assert "from git, commit " in _said(done)
    assert (kit.root / STUB).read_text() == SHIPPED


def test_a_copy_that_knows_nothing_says_so(kit: Project) -> None:
    (kit.root / STUB).write_text(MINE)

    done = kit.run("reset", "4", "--yes")

    assert done.returncode == 1
    assert "what send_all.py was is not known here" in _said(done)
    assert (kit.root / STUB).read_text() == MINE
