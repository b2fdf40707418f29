"""Breaking each law on purpose: ``verify`` names the law, the file and the way out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader.catalogue.exercises import PROJECT, load_all
from grader.verify import reference
from grader.verify.lint import lint
from tests.conftest import Project

KEY = "40_tiny"


SOLUTION = f"solutions/{KEY}/tiny.py"
GAPS = f"solutions/{KEY}/gaps.toml"
MANIFEST = f"exercises/{KEY}/exercise.toml"
MANUAL = pytest.mark.tools("man")
CHECKS = "grader/checks/check_tiny.py"
CLAUSES = "grader/checks/clauses/tiny.toml"


def test_a_new_exercise_is_lawful_and_names_the_next_commands(tmp_path: Path, pristine: Path) -> None:
    root = tmp_path / "kit"
    shutil.copytree(pristine, root, ignore=shutil.ignore_patterns("*tiny*"))
    shutil.copy(PROJECT / "README.md", root)
    project = Project(root)

    made = project.run("new", "sends-a-line")
    proven = project.run("verify", "sends_a_line", "--repeat", "3", "--load", "1")

    assert made.returncode == 0, made.stderr
    assert made.stdout.count("nox -s ") == 3
    assert "| [40 sends_a_line](exercises/40_sends_a_line/README.md) |" in (root / "README.md").read_text()
    assert proven.returncode == 0, proven.stdout + proven.stderr
    assert "every law holds" in proven.stdout
    rows = [line.split() for line in proven.stdout.splitlines() if "lines" in line]
    assert [row[-1] for row in rows] == ["3", "3"]  # repetitions
    assert [row[-3] for row in rows] == ["1/1", "1/1"]  # mutants
    assert all(int(row[-2]) > 2 for row in rows)  # cases of the torture sweep


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tiny", "the slug tiny is taken by 40_tiny"),
        ("40_other", "the number 40 is taken by 40_tiny"),
        ("Two Words", "is no slug"),
        ("while", "cannot be the name of a function"),
    ],
)
def test_new_refuses_a_name(project: Project, name: str, words: str) -> None:
    done = project.run("new", name)

    assert done.returncode == 3
    assert words in done.stderr


def test_a_stub_edited_by_hand(project: Project) -> None:
    stub = f"exercises/{KEY}/tiny.py"
    project.edit(stub, "[:13]", "[:14]")

    text = project.breaks("law 2", stub, "it is not what the solution and gaps.toml give", "--write")

    assert "+ sock.sendall(data[:14])" in text
    assert "wrote exercises/40_tiny/tiny.py" in project.run("verify", "tiny", "--lang", "python", "--write").stdout


def test_an_edit_that_no_longer_fits(project: Project) -> None:
    project.edit(SOLUTION, "sendall(data)", "sendall(data, 0)")

    project.breaks("law 2", GAPS, "'sendall(data)' is not in the solution")


def test_a_mutant_that_passes(project: Project) -> None:
    project.edit(GAPS, 'put = "sendall(data[:13])"', 'put = "sendall(data[:1300])"')

    project.breaks("law 3", GAPS, "python · mutant hard-coded-length", "passes every check")


def test_a_mutant_reported_under_another_name(project: Project) -> None:
    _add_gap(project, "short-send", "sendall(data)", "sendall(data[:20])")

    project.breaks("law 3", CHECKS, "python · mutant short-send", "it is reported as hard-coded-length")


def test_a_mutant_reported_at_another_line(project: Project) -> None:
    project.edit(GAPS, 'python = "sock.sendall("', 'python = "import socket"')

    project.breaks("law 3", GAPS, "'sock.sendall(data[:13])'; [line] wants 'import socket'")


def test_an_accepted_variant_that_fails(project: Project) -> None:
    variant = f"solutions/{KEY}/accepted/first_bytes.py"
    (project.root / variant).write_text("def tiny(sock, data):\n    sock.sendall(data[:5])\n")

    project.breaks("law 1", variant, "python · accepted first_bytes", "sendall() was asked for 5 bytes")


def test_too_few_accepted_variants(project: Project) -> None:
    (project.root / f"solutions/{KEY}/accepted/loop.py").unlink()

    project.breaks("law 1", f"solutions/{KEY}/accepted", "there are 1, and 2 are the least")


def test_a_check_without_a_gap(project: Project) -> None:
    _add_check(project, "")

    project.breaks("law 4", CHECKS, "check_sends_nothing reveals no gap")


def test_a_check_that_names_a_gap_it_does_not_report(project: Project) -> None:
    _add_check(project, '@reveals("hard-coded-length")\n')

    project.breaks("law 4", CHECKS, "check_sends_nothing says that it reveals hard-coded-length", languages=())


def test_a_check_that_names_a_gap_there_is_not(project: Project) -> None:
    project.edit(CHECKS, "learner.returns(None)", 'learner.returns(None, mistakes={1: "hard-coded-lenght"})')

    project.breaks("files", CHECKS, "names hard-coded-lenght, a gap that exercise.toml does not have")


def test_a_gap_without_a_check(project: Project) -> None:
    _add_gap(project, "unseen", "sendall(data)", "sendall(data[:20])")

    project.breaks("law 4", MANIFEST, "no check reveals unseen")


def test_a_solution_that_leaks_on_an_error_path(project: Project) -> None:
    project.edit(
        SOLUTION,
        "    sock.sendall(data)\n",
        "    copy = os.dup(sock.fileno())\n    sock.sendall(data)\n    os.close(copy)\n",
    )
    project.edit(SOLUTION, "import socket", "import os\nimport socket")

    project.breaks("law 6", SOLUTION, "is never closed", "(after sendall() at tiny.py:14 failed with ECONNRESET)")


def test_a_solution_that_nobody_tortures(project: Project) -> None:
    project.edit(CHECKS, "@torture\n", '@reveals("hard-coded-length")\n')

    project.breaks("law 6", CHECKS, "no check plays its script under torture")


def test_a_verdict_that_differs_between_runs(project: Project) -> None:
    project.edit(CHECKS, "RECORD = ", "import itertools\n\nCOUNT = itertools.count()\nRECORD = ")
    project.edit(CHECKS, "    peer.sees_end_of_file()\n", "    peer.receives(b'!' * (next(COUNT) % 2))\n")

    text = project.breaks("law 5", SOLUTION, "the report differs from that of the first run")

    assert '- "verdict": "pass"' in text or '+ "verdict": "pass"' in text


def test_a_stub_too_far_from_its_solution(project: Project) -> None:
    far = "\\n".join(f"    x{i} = {i}" for i in range(30))
    project.edit(GAPS, 'put = "sendall(data[:13])"', f'put = "sendall(data[:13])\\n{far}"')

    project.breaks("law 2", GAPS, "31 lines differ from the solution, 25 may")


@pytest.mark.parametrize(
    ("place", "old", "new", "path", "words"),
    [
        (MANIFEST, "part = 2", "part = 9", MANIFEST, "part 9 is not one of the syllabus"),
        (MANIFEST, "after = []", 'after = ["39_gone"]', MANIFEST, "it comes after 39_gone, which does not exist"),
        (MANIFEST, "after = []", f'after = ["{KEY}"]', MANIFEST, "it comes after itself"),
        (MANIFEST, '"How many', '"", "", "How many', MANIFEST, "it has 5 hints"),
        (MANIFEST, "hints = [", 'hints = ["",', MANIFEST, "one of its hints is empty"),
        pytest.param(
            MANIFEST, '"send(2)"', '"transmit(2)"', MANIFEST, "it refers to transmit(2); there is no such page",
            marks=MANUAL,
        ),
        pytest.param(
            MANIFEST, '"send(2)"', '"send(2), MSG_MAYBE"', MANIFEST, "the page does not have 'MSG_MAYBE'", marks=MANUAL
        ),
        (MANIFEST, "of the data", "of the data.", MANIFEST, "ends with a full stop"),
        (f"exercises/{KEY}/README.md", "## Run", "## Go", f"exercises/{KEY}/README.md", "its sections are Story"),
        (f"c_stubs/{KEY}/tiny.h", "size_t len)", "size_t n)", f"exercises/{KEY}/README.md", "have the C contract"),
        (SOLUTION, "data: bytes", "text: bytes", SOLUTION, "tiny() has other parameters"),
        (GAPS, "hard-coded-length.c", "hard-coded.c", GAPS, "no edit opens hard-coded-length in c"),
    ],
)  # fmt: skip
def test_files_that_do_not_agree(project: Project, place: str, old: str, new: str, path: str, words: str) -> None:
    project.edit(place, old, new)
    (exercise,) = load_all(project.root)

    found = lint(exercise, [exercise])

    assert path in [breach.path for breach in found if words in breach.sentence], found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"sends_every_byte"', "", "in order, and then None or 0 is returned': no check looks at it"),
        ('"sends_every_byte"', '"sends_every_bite"', "there is no check_sends_every_bite"),
        ('"sends_every_byte"', '"survives_every_failing_call"', "no clause names the check sends_every_byte"),
        ("says =", "tells =", "there is no field tells"),
        ('says = "in C, EINTR is never reported"', 'says = ""', "it says nothing"),
        ('checks = "all"', 'open = " "', "it does not say why it is left open"),
        ('checks = "all"', 'checks = "all"\nopen = "nobody cares"', "it is left open and has checks"),
        ("in C, EINTR is never reported", "a peer that is gone never ends the process", "it is there twice"),
        ("[[clause]]", "[[claws]]", "it has no clause"),
        ("[[clause]]", "[clause", "it is not TOML"),
    ],
)  # fmt: skip
def test_a_clause_that_nothing_looks_at(project: Project, old: str, new: str, words: str) -> None:
    project.edit(CLAUSES, old, new)
    (exercise,) = load_all(project.root)

    found = lint(exercise, [exercise])

    assert (8, CLAUSES) in [(breach.law, breach.path) for breach in found if words in breach.sentence], found


def test_an_exercise_without_a_table_of_clauses(project: Project) -> None:
    (project.root / CLAUSES).unlink()

    project.breaks("law 8", f"{CLAUSES}: it is missing", "go through the contract")


def test_a_new_check_that_no_clause_names(project: Project) -> None:
    _add_check(project, '@reveals("hard-coded-length")\n')

    project.breaks("law 8", f"{CLAUSES}: no clause names the check sends_nothing", "name it at the clause")


def test_a_stray_file_and_a_missing_one(project: Project) -> None:
    (project.root / f"exercises/{KEY}/notes.txt").write_text("")
    (project.root / f"c_stubs/{KEY}/tiny.h").rename(project.root / f"c_stubs/{KEY}/other.h")

    project.breaks(
        "files", f"exercises/{KEY}/notes.txt: it does not belong there", f"c_stubs/{KEY}/tiny.h: it is missing"
    )


def test_a_check_file_that_cannot_be_imported(project: Project) -> None:
    project.edit(CHECKS, "from grader.verbs.script import reveals, torture\n", "")

    project.breaks("files", f"{CHECKS}:7: it cannot be imported: NameError: name 'reveals' is not defined")


def test_a_wrong_name_is_bad_usage(project: Project) -> None:
    done = project.run("verify", "tinny")

    assert done.returncode == 3
    assert "did you mean tiny?" in done.stderr


def test_the_reference_of_verbs_is_written_from_the_code() -> None:
    assert (PROJECT / "docs" / "verbs.md").read_text() == reference.text(), "write it anew: see its first lines"


def _add_gap(project: Project, slug: str, find: str, put: str) -> None:
    with (project.root / MANIFEST).open("a") as manifest:
        manifest.write(
            f'\n[[gap]]\nslug = "{slug}"\nsentence = "something else"\nread = ["send(2)"]\nhints = ["look"]\n'
            'languages = ["python"]\nbecause = "a test needs no more"\n'
        )
    with (project.root / GAPS).open("a") as gaps:
        gaps.write(f'\n[[{slug}.python]]\nfind = "{find}"\nput = "{put}"\n')
        gaps.write(
            f'\n[[together]]\ngaps = ["hard-coded-length", "{slug}"]\npython = [{{ find = "{find}", put = "{put}" }}]\n'
        )


def _add_check(project: Project, decorator: str) -> None:
    with (project.root / CHECKS).open("a") as checks:
        checks.write(
            f'\n\n{decorator}def check_sends_nothing(learner, peer):\n    """sends nothing of nothing"""\n'
            '    learner.runs("tiny", peer.connection, b"")\n\n    learner.returns(None)\n'
        )
