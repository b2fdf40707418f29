"""`explain`: a gap, or a word of the reports."""

from __future__ import annotations

import subprocess

import pytest

from grader.catalogue.exercises import load_all
from grader.coach.explain import load_terms
from grader.verify.lint import has_manual
from tests.conftest import Project, run_kit

TERMS = load_terms()


def _said(done: subprocess.CompletedProcess) -> str:
    assert "Traceback" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines()), default=0) <= 80
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("name", [["injected"], ["hang"], ["half-close"], ["half", "closed"], ["TIME_WAIT"], ["rst"]])
def test_a_word_is_explained_however_it_is_written(name: list[str]) -> None:
    done = run_kit("explain", *name)

    assert done.returncode == 0
    assert _said(done).startswith("term ")


def test_a_word_has_its_drawing_its_page_and_its_exercises() -> None:
    shown = run_kit("explain", "half-close").stdout

    assert "\n       shutdown(SHUT_WR) --FIN--->     recv() = 0   the request is complete\n" in shown
    assert "\n       read  shutdown(2), tcp(7)\n" in shown
    assert "\n       in    08 half_close, 10 echo_server, 13 event_loop\n" in shown


def test_a_gap_is_shown_in_all_its_exercises_and_in_one_as_it_happens() -> None:
    done = run_kit("explain", "missed-eof", "--lang", "c")
    said = _said(done)

    assert done.returncode == 0
    assert "gap missed-eof " in said
    for exercise in load_all():
        if "missed-eof" in exercise.gaps:
            assert exercise.label in said
            assert exercise.gaps["missed-eof"].sentence in said
    assert "With this gap alone open, 03 tcp_client in c:" in said or "With this gap alone open, 05" in said
    assert "peer learner, by line of " in said
    assert "read recv(2)" in said


def test_a_gap_of_one_language_says_so_and_is_shown_in_it(kit: Project) -> None:
    done = kit.run("explain", "stale-addrlen", "--lang", "python")

    assert done.returncode == 0
    assert "10 echo_server (in c alone): " in _said(done)
    assert "With this gap" not in done.stdout  # a copy without solutions


def test_without_a_name_all_are_listed() -> None:
    said = _said(run_kit("explain"))

    assert all(term.name in said for term in TERMS)
    assert "short-send" in said


@pytest.mark.parametrize(
    ("name", "words"),
    [("half-clos", "did you mean half-close"), ("shortsend", "short-send"), ("xyzzy", "nox -s explain lists")],
)
def test_an_unknown_name_is_bad_usage(name: str, words: str) -> None:
    done = run_kit("explain", name)

    assert done.returncode == 3
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_what_is_said_of_a_word_fits_and_is_there(term) -> None:
    assert all(len(line) <= 72 for line in term.wire.splitlines())
    assert term.what.endswith((".", "?"))
    assert {*term.exercises} <= {exercise.key for exercise in load_all()}
    pages = [page.split(",")[0] for page in term.read]
    if has_manual():
        for page in pages:
            name, section = page.rstrip(")").split("(")
            assert subprocess.run(["man", "-w", section, name], capture_output=True, check=False).returncode == 0, page


def test_no_word_is_explained_twice() -> None:
    names = [name.lower() for term in TERMS for name in (term.name, *term.also)]

    assert len(names) == len(set(names))
