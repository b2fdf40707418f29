"""The report as it is read: whole reports against texts that were read."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.catalogue.gaps import Gaps
from grader.report.bytes import compared
from grader.verdict.model import Difference
from tests.conftest import EXERCISES, PROJECT, Graded, by_slug, run_kit, solutions_in

SHORT_SEND = """
              c
 04 send_all  fail short-send

 fail  04 send_all · c · sends every byte when the kernel accepts only a few at
       a time
       short-send: a send() that took fewer bytes than offered is treated as
       complete
       send_all.c:22 send() took 7 of 8192 bytes, and the other 8185 were never
       sent

          21  do
       -> 22      n = send(fd, next, left, MSG_NOSIGNAL);
          23  while (n == -1 && errno == EINTR);
              fd = 0, left = 8192

       peer            learner, by line of send_all.c
                       has a caller with handlers and a mask of its own
       connects, and lends the program its end
                       runs send_all(sock, 8192 bytes)
                       22  send(fd, "0000000"..., 8192, MSG_NOSIGNAL) = 7 *
       receives 7 bytes, then end-of-file
       * brought about by the grader; elsewhere it happens by itself

       expected  8192 bytes: 0000000 0000008 0000016 0000024 0000032 00 ...
       actual       7 bytes: 0000000
                                    ^ stream ends here

       read  send(2), RETURN VALUE
       again  nox -s grade -- send_all --lang c --submission DIR

       2 more checks fail for the same reason

 0 of 1 program passed · 5 of 8 gaps closed as far as the checks show
"""


def test_a_report_in_full(submission: Path, grade: Callable[..., Graded]) -> None:
    (submission / "send_all.c").write_text(Gaps(by_slug("send_all")).mutant("c", "short-send"))

    graded = grade(submission, "send_all", "--lang", "c", "--sandbox", "none")

    assert graded.text.replace(str(submission), "DIR") == SHORT_SEND


def test_colour_only_decorates(submission: Path, grade: Callable[..., Graded]) -> None:
    (submission / "send_all.py").write_text("def send_all(sock, data):\n    sock.send(data[:13])\n")

    plain = grade(submission, "send_all", "--color", "never").text
    coloured = grade(submission, "send_all", "--color", "always").text

    assert "\x1b[" not in plain
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_control_characters_of_a_program_do_not_reach_the_terminal(
    submission: Path, grade: Callable[..., Graded]
) -> None:
    (submission / "send_all.py").write_text(
        "def send_all(sock, data):\n    print('\\x1b[2J\\x07 all 6 pass')\n    raise ValueError('\\x1b[31m')\n"
    )

    graded = grade(submission, "send_all")

    assert "\x1b" not in graded.text
    assert "\x07" not in graded.text


def test_verbose_shows_every_reason_to_fail(submission: Path, grade: Callable[..., Graded]) -> None:
    (submission / "send_all.py").write_text("def send_all(sock, data):\n    sock.send(data[:13])\n")

    first, every = grade(submission, "send_all"), grade(submission, "send_all", "-v")

    assert first.text.count("again  nox") == 1
    failing = [c for c in every.unit("send_all", "python")["checks"] if c["verdict"] == "fail"]
    told = " ".join(every.text.split())
    assert len(failing) > every.text.count("again  nox") > 1
    assert all(check["title"] in told for check in failing)


def test_a_compiler_error_is_the_compilers(submission: Path, grade: Callable[..., Graded]) -> None:
    (submission / "send_all.c").write_text(
        '#include "send_all.h"\nint send_all(int fd, const void *d, size_t n)\n{\n    return frob(fd, d, n);\n}\n'
    )

    graded = grade(submission, "send_all")

    assert graded.code == 1
    assert "send_all.c:4:12: error: implicit declaration of function 'frob'" in graded.text


def test_warnings_of_a_program_that_passes_are_folded(submission: Path, grade: Callable[..., Graded]) -> None:
    solutions_in(submission)
    file = submission / "c_stubs" / "04_send_all" / "send_all.c"
    file.write_text(file.read_text().replace("size_t left = len;", "size_t left = len;\n    int unused;"))

    folded, full = (grade(submission, "send_all", "--lang", "c", *more) for more in ([], ["-v"]))

    assert folded.code == 0
    assert "The compiler warns of 04_send_all: add -v" in folded.text
    assert "warning: unused variable 'unused'" in full.text


@pytest.mark.parametrize(
    ("difference", "lines"),
    [
        (
            Difference(b"hello world", b"hello", "end-of-file"),
            [
                "expected  11 bytes: hello world",
                "actual     5 bytes: hello",
                "                         ^ stream ends here",
            ],
        ),
        (
            Difference(b"ab", b"abc"),
            ["expected  2 bytes: ab", "actual    3 bytes: abc", "                     ^ nothing more was to come"],
        ),
        (
            Difference(b"mira\r\n?", b"mira\n"),
            [
                "expected  7 bytes: mira\u240d\u240a?",
                "actual    5 bytes: mira\u240a",
                "                       ^ differs here",
            ],
        ),
        (
            Difference(b"\0\1\2", b"\0\7\2"),
            ["expected  3 bytes: 00 01 02", "actual    3 bytes: 00 07 02", "                      ^ differs here"],
        ),
    ],
)
def test_the_caret_stands_under_the_first_difference(difference: Difference, lines: list[str]) -> None:
    assert compared(difference, 72) == lines


def test_the_session_in_the_readme_is_a_real_one(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    for name in ("grader", "exercises", "c_stubs"):
        shutil.copytree(PROJECT / name, kit / name)
    exercise = by_slug("send_all")
    (kit / exercise.stub("c").relative_to(PROJECT)).write_text(Gaps(exercise).stub("c"))

    done = run_kit("send_all", "--lang", "c", env={"PYTHONPATH": ""}, cwd=kit)

    assert f"$ nox -s grade -- send_all --lang c\n{done.stdout}```" in (PROJECT / "README.md").read_text()


def test_the_readme_lists_every_exercise() -> None:
    readme = (PROJECT / "README.md").read_text()

    for exercise in EXERCISES:
        row = f"| [{exercise.key.replace('_', ' ', 1)}](exercises/{exercise.key}/README.md) "
        assert f"{row}| {exercise.title} | {exercise.teaches} |" in readme


def test_the_readme_says_where_each_exercise_stands_in_the_guide() -> None:
    readme = (PROJECT / "README.md").read_text()

    table = readme.partition("| In the guide | Exercises |")[2].partition("\n\n")[0]

    assert set(re.findall(r"\b\d\d\b", table)) == {exercise.key[:2] for exercise in EXERCISES}
