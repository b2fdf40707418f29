"""``python -m grader new SLUG``: a complete, tiny, lawful exercise to be edited."""

from __future__ import annotations

import argparse
import keyword
import re
from pathlib import Path
from string import Template

from grader.catalogue.exercises import PROJECT, load, load_all
from grader.catalogue.gaps import write_stubs

TEMPLATE = Path(__file__).parent / "template"
_NAME = re.compile(r"(?:(\d\d)_)?([a-z][a-z0-9_]*)")
#: Numbers from here on are free for exercises of one's own; the syllabus ends at 32.
_OWN = 40
_C_KEYWORDS = set(
    "auto break case char const continue default do double else enum extern float for goto if inline int "
    "long register restrict return short signed sizeof static struct switch typedef union unsigned void "
    "volatile while".split()
)


class BadName(Exception):
    """The exercise cannot be called that; the message says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("name", metavar="SLUG", help="such as whois_client, or 40_whois_client to choose the number")


def run(options: argparse.Namespace) -> int:
    """Write the exercise; returns the exit code.

    Raises:
        BadName: it is taken, or is no name.
    """
    key = _key(options.name)
    for path in write(key):
        print(f"wrote {path.relative_to(PROJECT)}")
    slug = key[3:]
    print(
        f"\n{key} is lawful as it is. Make it yours, and prove it again after every change:\n\n"
        f"  nox -s verify -- {slug} --write    write the stubs anew and prove the laws\n"
        f"  nox -s grade -- {slug}             see what a student sees\n"
        f"  nox -s grade -- {slug} -v --submission solutions/{key}\n"
        "                                 see every check pass\n\n"
        "docs/adding-an-exercise.md leads through it."
    )
    return 0


def _key(name: str) -> str:
    match = _NAME.fullmatch(name.strip().lower().replace("-", "_"))
    if match is None:
        raise BadName(f"{name!r} is no slug: use lower-case letters, digits and underscores, as in whois_client")
    number, slug = match.groups()
    if keyword.iskeyword(slug) or slug in _C_KEYWORDS or slug == "main":
        raise BadName(f"{slug!r} cannot be the name of a function in Python and in C")
    every = load_all()
    if number is None:
        number = f"{max([_OWN - 1, *(exercise.number for exercise in every)]) + 1:02}"
    for exercise in every:
        if exercise.slug == slug:
            raise BadName(f"the slug {slug} is taken by {exercise.key}")
        if exercise.key.startswith(number):
            raise BadName(f"the number {number} is taken by {exercise.key}")
    return f"{number}_{slug}"


def write(key: str, root: Path = PROJECT) -> list[Path]:
    """Write all files of a new exercise; returns their paths.

    Raises:
        BadName: one of them is there already.
    """
    slug = key[3:]
    words = {
        "key": key,
        "number": key[:2],
        "slug": slug,
        "signature": f"{slug}(sock: socket.socket, data: bytes) -> None",
    }
    places = {
        "exercises/README.md": f"exercises/{key}/README.md",
        "exercises/exercise.toml": f"exercises/{key}/exercise.toml",
        "exercises/run.toml": f"exercises/{key}/run.toml",
        "c_stubs/header.h": f"c_stubs/{key}/{slug}.h",
        "c_stubs/binding.py": f"c_stubs/{key}/binding.py",
        "solutions/solution.py": f"solutions/{key}/{slug}.py",
        "solutions/solution.c": f"solutions/{key}/{slug}.c",
        "solutions/gaps.toml": f"solutions/{key}/gaps.toml",
        "solutions/equivalent.toml": f"solutions/{key}/equivalent.toml",
        "checks/check.py": f"grader/checks/check_{slug}.py",
        "checks/clauses.toml": f"grader/checks/clauses/{slug}.toml",
    }
    for path in sorted((TEMPLATE / "solutions" / "accepted").iterdir()):
        places[f"solutions/accepted/{path.stem}"] = f"solutions/{key}/accepted/{path.stem}"
    for place in places.values():
        if (root / place).exists():
            raise BadName(f"{place} is there already")
    written = []
    for source, place in places.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        template = Template((TEMPLATE / f"{source}.in").read_text(encoding="utf-8"))
        path.write_text(template.substitute(words), encoding="utf-8")
        written.append(path)
    exercise = load(root / "exercises" / key)
    return [*written, *write_stubs(exercise), *_enter_in_table(exercise.row, root)]


def _enter_in_table(row: str, root: Path) -> list[Path]:
    """Add a row to the README's table of exercises, in the order of numbers."""
    path = root / "README.md"
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [i for i, line in enumerate(lines) if re.match(r"\| \[\d\d ", line)]
    if not rows:
        return []
    at = next((i for i in rows if lines[i] > row), rows[-1] + 1)
    lines.insert(at, row)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [path]
