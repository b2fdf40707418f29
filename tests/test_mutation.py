"""Law 7: which standard mutants there are, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.catalogue.exercises import load_all
from grader.verify.lint import lint
from grader.verify.mutation import c_source, python_source
from grader.verify.mutation.meaning import meaning_in
from grader.verify.mutation.model import mutants
from grader.verify.mutation.proof import sampled
from tests.conftest import Project

KEY = "40_tiny"
EQUIVALENT = f"solutions/{KEY}/equivalent.toml"
SOLUTION = f"solutions/{KEY}/tiny.py"


def _becomes(maker: object, text: str) -> set[str]:
    return {mutant.becomes for mutant in mutants("program", text, maker.edits(text))}


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("if a < b: x()", {"if a <= b: x()", "if a != b: x()", "if False: x()", "if a < b: pass"}),
        ("if a == 2: x()", {"if a <= 2: x()", "if a >= 2: x()", "if False: x()", "if a == 2: pass"}),
        ("if a > 2: x()", {"if a >= 2: x()", "if a != 2: x()", "if a > 3: x()", "if False: x()", "if a > 2: pass"}),
        ("y = a is None", {"y = True", "y = False", "pass"}),
        ("y = a != s.NAME", {"y = True", "y = False", "pass"}),
        ("y = len(a) == 0", {"y = len() == 0", "y = True", "y = False", "pass"}),
        ("y = a == -1", {"y = True", "y = False", "pass"}),
        ("y = a and b", {"y = a or b", "y = True and b", "y = a and True", "pass"}),
        ("y = not a", {"y = a", "pass"}),
        ("y = a + b", {"y = a - b", "y = a", "y = b", "pass"}),
        ("y += 2", {"y = 2", "y -= 2", "y += 3", "y += 1", "y += 0", "pass"}),
        ("y = s.NAME", {"y = 0", "pass"}),
        ("y = s.AF_UNSPEC", {"pass"}),
        ("y = A | s.B", {"y = A & s.B", "y = A", "y = s.B", "pass"}),
        ("s.listen(10)", {"pass"}),
        ("s.recv(4096)", {"s.recv()", "s.recv(0)", "pass"}),
        ("s.setsockopt(a, b, 1)", {"s.setsockopt(a, b)", "s.setsockopt(a, b, 0)", "pass"}),
        ("y = b'x'", {"y = b''", "pass"}),
        ("f(a, key=1)", {"f(a)", "f(a, key=2)", "f(a, key=0)", "pass"}),
        ("y = a[1:n]", {"y = a[2:n]", "y = a[0:n]", "y = a[:n]", "y = a[1:]", "pass"}),
        ("while x: f()", {"while True: f()", "while False: f()", "if x: f()", "while x: pass"}),
        ("for i in x: continue", {"for i in (): continue", "for i in x: break", "for i in x: pass"}),
        ("return x", {"return None", "pass"}),
        ("with lock: x()", {"if True: x()", "with lock: pass"}),
        ("y: int | None = x", {"pass"}),
        ("y = f'{1}'", {"pass"}),
        ("'a docstring, or a remark'", set()),
    ],
)  # fmt: skip
def test_mutants_of_a_python_line(line: str, becomes: set[str]) -> None:
    assert _becomes(python_source, f"def f():\n    {line}\n") == becomes


def test_mutants_of_an_exception_handler() -> None:
    text = "def f():\n    try:\n        x()\n    except (One, Two):\n        raise\n"

    assert _becomes(python_source, text) == {"pass", "except (Two):", "except (One):", "except ():"}


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("z = f();", {";"}),
        ("if (a < b) x();", {"if (a <= b) x();", "if (a != b) x();", "if (0) x();"}),
        ("if (n == 2) x();", {"if (n <= 2) x();", "if (n >= 2) x();", "if (0) x();"}),
        ("if (n > 2) x();", {"if (n >= 2) x();", "if (n != 2) x();", "if (n > 3) x();", "if (0) x();"}),
        ("if (n < 0) x();", {"if (n <= 0) x();", "if (n != 0) x();", "if (0) x();"}),
        ("if (n == -1) x();", {"if (1) x();", "if (0) x();"}),
        ("if (f(n) == 0) x();", {"if (1) x();", "if (0) x();"}),
        ("while (n < m) continue;",
         {"while (n <= m) continue;", "while (n != m) continue;", "while (0) continue;", "if (n < m) continue;",
          "while (n < m) break;"}),
        ("if (p == NULL) x();", {"if (1) x();", "if (0) x();"}),
        ("if (n != AF_INET) x();", {"if (1) x();", "if (0) x();"}),
        ("if (c == 'x') x();", {"if (1) x();", "if (0) x();"}),
        ("if (p->n != n && p == q) x();",
         {"if (p->n < n && p == q) x();", "if (p->n > n && p == q) x();", "if (1 && p == q) x();",
          "if (p->n != n || p == q) x();", "if (p->n != n && 0) x();", "if (p->n != n && 1) x();"}),
        ("if (a && f(b)) x();", {"if (a || f(b)) x();", "if (1 && f(b)) x();", "if (a && 1) x();"}),
        ("while (n) x();", {"while (0) x();", "while (1) x();", "if (n) x();"}),
        ("for (i = z; i != n; i++) x();",
         {"for (i = z; i < n; i++) x();", "for (i = z; i > n; i++) x();", "for (i = z; 1; i++) x();",
          "for (i = z; i != n; i--) x();"}),
        ("y = a | b;", {";", "y = a & b;", "y = a ;", "y = b;"}),
        ("y += *p;", {";", "y = *p;", "y -= *p;"}),
        ("y = !a;", {";", "y = a;"}),
        ("y = MSG_PEEK;", {";", "y = 0;"}),
        ("y = sizeof *p;", {";", "y = 1;"}),
        ("y = 'x';", {";", "y = 0;"}),
        ("y = f(4096, 3);", {";", "y = f(0, 3);", "y = f(4096, 4);", "y = f(4096, 2);", "y = f(4096, 0);"}),
        ("y = f(0, -1);", {";", "y = f(1, -1);", "y = f(0, 0);"}),
        ("y = listen(fd, 10);", {";"}),
        ("y = a ? b : c;", {";", "y = 1 ? b : c;", "y = 0 ? b : c;"}),
        ("return f(x);", {";", "return 0;", "return -1;"}),
        ("return -1;", {";", "return 0;"}),
        ("return;", {";"}),
        ("break;", {";", "continue;"}),
        ("int i = x, j = y;", {"int i , j = y;", "int i = x, j ;"}),
        ("int i = 1;", {"int i = 0;"}),
        ("struct s p = { 0 };", {"struct s p ;"}),
        ("char p[4], q[NAME + sizeof p];", {"char p[1], q[NAME + sizeof p];", "char p[4], q[1];"}),
        ("/* y = 1; */", set()),
    ],
)  # fmt: skip
def test_mutants_of_a_c_line(line: str, becomes: set[str]) -> None:
    found = _becomes(c_source, f"void f(void)\n{{\n{line}\n}}\n")

    # what is left out of a branch is a line of its own in every solution
    assert found - {line.replace("x();", ";")} == becomes


def test_a_limit_of_the_preprocessor_is_changed_and_a_header_is_not() -> None:
    assert _becomes(c_source, "#include <a1.h>\n#define LIMIT 64\n") == {
        "#define LIMIT 65", "#define LIMIT 63", "#define LIMIT 0",
    }  # fmt: skip


def test_equal_lines_are_told_apart() -> None:
    text = "def f():\n    x()\n    x()\n"

    found = list(mutants("program", text, python_source.edits(text)))

    assert [(m.number, m.line, m.becomes, m.occurrence) for m in found] == [
        (2, "x()", "pass", 1),
        (3, "x()", "pass", 2),
    ]


def test_a_sample_is_the_same_in_every_run() -> None:
    text = "".join(f"def f{i}():\n    x({i})\n" for i in range(2, 9))
    found = list(mutants("program", text, python_source.edits(text)))

    assert sampled(found, 5) == sampled(found[::-1], 5)[::-1]
    assert len(sampled(found, 5)) == 5
    assert sampled(found, None) == found


def test_what_means_the_same_is_no_mutant(pristine: Path) -> None:
    (exercise,) = load_all(pristine)
    head = "#include <stddef.h>\nint tiny(int fd, const void *data, size_t len)\n"
    python, c = meaning_in(exercise, "python"), meaning_in(exercise, "c")

    assert python("x = 1 + 1\n") == python("x = 2  # two\n") != python("x = 3\n")
    assert python("x = (\n") is None
    assert c(head + "{ return fd + !data + (len > 0); }") == c(head + "{ return fd + !data + (len != 0); }") is not None
    assert c(head + "{ return fd + !data + (len > 1); }") != c(head + "{ return fd + !data + (len > 0); }")
    assert c(head + "{ return nothing; }") is None


def test_every_mutant_of_a_new_exercise_fails_or_has_its_reason(project: Project) -> None:
    done = project.run("verify", "tiny", "--mutants", "--lang", "python")

    assert done.returncode == 0, done.stdout + done.stderr
    row = next(line.split() for line in done.stdout.splitlines() if "40 tiny" in line)
    made, fail, equivalent = (int(number) for number in row[3:6])
    assert made == fail + equivalent
    assert fail > 20


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            'line = "sock.sendall(data)"\nbecomes = "send(data)"\nbecause = "no"',
            "no mutant of tiny.py has 'send(data)'",
        ),
        ('line = "sock.sendall(data)"\nbecomes = "pass"', "it has no because"),
        ('line = "sock.sendall(data)"\nbecomes = "pass"\nbecause = "no"\nwhy = "so"', "there is no field why"),
    ],
)
def test_an_excuse_that_does_not_hold(project: Project, entry: str, words: str) -> None:
    (project.root / EQUIVALENT).write_text(f'[[mutant]]\nprogram = "tiny.py"\n{entry}\n')
    (exercise,) = load_all(project.root)

    found = lint(exercise, [exercise])

    assert (7, EQUIVALENT) in [(breach.law, breach.path) for breach in found if words in breach.sentence], found


def test_a_mutant_that_no_check_sees_and_an_excuse_for_one_that_fails(project: Project) -> None:
    project.edit(SOLUTION, "    sock.sendall(data)\n", "    sock.sendall(data)\n    spare = 2\n")
    with (project.root / EQUIVALENT).open("a") as equivalent:
        equivalent.write(
            '\n[[mutant]]\nprogram = "tiny.py"\nline = "sock.sendall(data)"\nbecomes = "pass"\nbecause = "who looks"\n'
        )

    done = project.run("verify", "tiny", "--mutants", "--lang", "python")

    text = " ".join(done.stdout.split())
    assert done.returncode == 1, done.stdout + done.stderr
    assert "law 7 40 tiny · python · tiny.py" in text
    assert "- spare = 2" in text
    assert "+ spare = 3" in text
    assert "it says that no peer can tell this mutant; check_sends_every_byte does" in text
