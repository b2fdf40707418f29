"""`hint`: the next hint of the gap that fails now, and what it says where there is none."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from grader.catalogue.gaps import Gaps
from tests.conftest import Project, by_slug, kit_environment

STUB = "exercises/04_send_all/send_all.py"
HINTS = by_slug("send_all").gaps["hard-coded-length"].hints
NEXT = "next   nox -s hint -- send_all --lang python"


def _said(done: subprocess.CompletedProcess) -> str:
    """What was said, whatever the lines are broken at."""
    assert "Traceback" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines()), default=0) <= 80
    return " ".join(done.stdout.split())


def _progress(kit: Project) -> dict:
    return json.loads((kit.root / "progress.json").read_text())


def test_each_call_goes_one_hint_further(kit: Project) -> None:
    first, second, third, fourth, fifth = (kit.run("hint", "send_all", "--lang", "python") for _ in range(5))

    for number, done in enumerate([first, second, third], 1):
        said = _said(done)
        assert done.returncode == 0
        assert f"04 send_all · python · {number} of 3 hard-coded-length: " in said
        assert [hint in said for hint in HINTS] == [n == number for n in (1, 2, 3)]
    assert (NEXT in first.stdout, NEXT in second.stdout, NEXT in third.stdout) == (True, True, False)
    assert "grade  nox -s grade -- send_all --lang python" in first.stdout
    assert fourth.returncode == 1
    assert "all 3 were shown" in _said(fourth)
    assert all(hint in _said(fourth) for hint in HINTS)
    assert "There are no more. What else shows where it goes wrong:" in _said(fourth)
    assert "readme exercises/04_send_all/README.md" in _said(fourth)
    assert fifth.stdout == fourth.stdout


def test_another_gap_has_hints_of_its_own_and_the_first_goes_on_where_it_was(kit: Project) -> None:
    stub = (kit.root / STUB).read_text()
    kit.run("hint", "4", "--lang", "python")
    (kit.root / STUB).write_text(Gaps(by_slug("send_all")).mutant("python", "short-send"))
    other = kit.run("hint", "4", "--lang", "python")
    (kit.root / STUB).write_text(stub)
    again = kit.run("hint", "4", "--lang", "python")

    assert "1 of 3 short-send: " in _said(other)
    assert "2 of 3 hard-coded-length: " in _said(again)
    assert _progress(kit)["programs"]["04_send_all python"]["hints"] == {"hard-coded-length": 2, "short-send": 1}


def test_the_exercise_and_the_language_are_remembered(kit: Project) -> None:
    kit.run("hint", "send_all", "--lang", "c")

    done = kit.run("hint")

    assert "04 send_all · c · 2 of 3" in _said(done)


def test_nothing_is_needed_where_everything_passes(kit: Project) -> None:
    (kit.root / STUB).write_text(by_slug("send_all").solution("python").read_text())

    done = kit.run("hint", "send_all", "--lang", "python")

    assert done.returncode == 0
    assert "pass 04 send_all · python · every check passes, and no hint is needed" in _said(done)


def test_output_that_was_printed_to_find_out_is_not_in_the_way(kit: Project) -> None:
    mutant = Gaps(by_slug("send_all")).mutant("python", "short-send")
    (kit.root / STUB).write_text(
        mutant.replace("    remaining = memoryview", "    print(len(data))\n    remaining = memoryview")
    )

    assert "1 of 3 short-send" in _said(kit.run("hint", "send_all", "--lang", "python"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def send_all(sock, data:\n", "build 04 send_all"),
        ("def send_all(sock, data):\n    raise ValueError('no')\n", "ValueError"),
        (None, "exercises/04_send_all/send_all.py is missing"),
    ],
    ids=["half-written", "of its own", "missing"],
)
def test_what_is_none_of_the_gaps_is_said_to_be_none(kit: Project, text: str | None, words: str) -> None:
    if text is None:
        (kit.root / STUB).unlink()
    else:
        (kit.root / STUB).write_text(text)

    done = kit.run("hint", "send_all", "--lang", "python")

    assert done.returncode == 1
    assert words in _said(done)
    assert "There is no hint for this: it is not one of the gaps" in _said(done)
    assert "readme exercises/04_send_all/README.md" in _said(done)
    assert ("back nox -s reset -- send_all --lang python" in _said(done)) is (text is None)
    assert not (kit.root / "progress.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name an exercise: nox -s hint -- 04"),
        (["sendall"], "did you mean send_all?"),
        (["4", "5"], "unrecognized arguments: 5"),
        (["4", "--lang", "rust"], "invalid choice: 'rust'"),
    ],
)
def test_bad_usage_is_told_in_a_sentence(kit: Project, arguments: list[str], words: str) -> None:
    done = kit.run("hint", *arguments)

    assert done.returncode == 3
    assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_what_cannot_be_judged_here_has_no_hint(kit: Project) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grader", "hint", "4", "--lang", "c"],
        cwd=kit.root, env={**kit_environment(kit.root), "CC": "no-such-cc", "THIRTEEN_BYTES_CACHE": str(kit.root)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "it cannot be judged here, so that no gap is known" in _said(done)
    assert "no-such-cc, is not there" in _said(done)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"languages": [], "last": "", "programs": {"04_send_all python": 3}}', "é"]
)
def test_a_file_that_cannot_be_read_is_kept_and_begun_anew(kit: Project, text: str) -> None:
    (kit.root / "progress.json").write_bytes(text.encode("latin-1"))

    first = kit.run("hint", "4", "--lang", "python")
    second = kit.run("hint", "4", "--lang", "python")

    assert "progress.json could not be read" in _said(first)
    assert "it is progress.json.1 now, and a new one was begun" in _said(first)
    assert (kit.root / "progress.json.1").read_bytes() == text.encode("latin-1")
    assert "2 of 3" in _said(second)
    assert "progress.json" not in second.stdout


def test_a_folder_that_cannot_be_written_costs_the_memory_alone(kit: Project) -> None:
    (kit.root / "progress.json.new").mkdir()  # nobody can write a file there, root neither

    done = kit.run("hint", "4", "--lang", "python")

    assert done.returncode == 0
    assert "1 of 3" in _said(done)
    assert "what was done is not remembered" in _said(done)


def test_no_colour_in_a_pipe_and_colour_only_decorates(kit: Project) -> None:
    plain = kit.run("hint", "4", "--lang", "python")
    (kit.root / "progress.json").unlink()
    coloured = kit.run("hint", "4", "--lang", "python", "--color", "always")

    assert "\x1b[" not in plain.stdout
    assert "\x1b[1m" in coloured.stdout
    assert "\x1b[33m" not in coloured.stdout  # yellow on white is not to be read
