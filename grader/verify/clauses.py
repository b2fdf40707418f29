"""Law 8: the table that says which checks look at which clause of a contract.

``grader/checks/clauses/<slug>.toml`` goes through the contract of an exercise
sentence by sentence::

    [[clause]]
    says = "what is exactly as large as the buffer fits"
    checks = ["reports_what_does_not_fit"]

    [[clause]]
    says = "a port may begin with zeros"
    open = "resolvers differ in it, and nobody depends on it"

``checks`` has names of checks without their ``check_``, or is ``"all"`` for what
every check judges when the function has ended.  A clause that the contract
leaves open has the reason in their place.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from grader.catalogue.exercises import Exercise
from grader.verify.model import Breach

FIELDS = {"says", "checks", "open"}
#: What every check judges, whatever its script: what is left behind.
ALL = "all"


def table_of(exercise: Exercise) -> Path:
    """Where the table of an exercise lies."""
    return exercise.root / "grader" / "checks" / "clauses" / f"{exercise.slug}.toml"


def clauses_have_checks(exercise: Exercise) -> Iterator[Breach]:
    """Clauses that no check looks at, and checks that look at no clause."""
    path, subject = table_of(exercise), exercise.label
    for sentence, advice in _amiss_with(path, _checks(exercise)):
        yield Breach(8, subject, str(path.relative_to(exercise.root)), sentence, advice)


def _amiss_with(path: Path, checks: list[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a table, and what to do.

    Args:
        checks: the names of the exercise's checks, without their ``check_``.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        yield "it is missing", "go through the contract, and say of each clause which checks look at it"
        return
    except tomllib.TOMLDecodeError as error:
        yield f"it is not TOML: {error}", "mend that line"
        return
    for name in sorted(table.keys() - {"clause"}):
        yield f"{name} is no part of it", "it has entries [[clause]], and nothing else"
    clauses = table.get("clause", [])
    if not clauses:
        yield "it has no clause", "add a [[clause]] for each sentence of the contract"
        return
    seen: set[str] = set()
    for number, clause in enumerate(clauses, 1):
        said = str(clause.get("says", "")).strip()
        for sentence, advice in _amiss_with_clause(clause, checks):
            yield f"clause {number}, {said!r}: {sentence}", advice
        if said in seen:
            yield f"clause {number}, {said!r}: it is there twice", "name all its checks in one place"
        seen.add(said)
    named = {name for clause in clauses for name in _named(clause)}
    for check in checks:
        if check not in named:
            yield (
                f"no clause names the check {check}",
                "name it at the clause that it looks at, or add the clause; what is in no contract may not be judged",
            )


def _amiss_with_clause(clause: dict[str, Any], checks: list[str]) -> Iterator[tuple[str, str]]:
    for field in sorted(clause.keys() - FIELDS):
        yield f"there is no field {field}", "a clause has `says`, and either `checks` or `open`"
    if not str(clause.get("says", "")).strip():
        yield "it says nothing", "put the clause into one sentence, in `says`"
    if "open" in clause:
        if "checks" in clause:
            yield "it is left open and has checks", "keep one of the two"
        elif not str(clause["open"]).strip():
            yield "it does not say why it is left open", "give the reason in `open`"
        return
    if not clause.get("checks"):
        yield "no check looks at it", "write one, and name it in `checks`; or say in `open` why the contract leaves it"
    for name in _named(clause):
        if name not in checks:
            near = get_close_matches(name, checks, 1)
            hint = f"it may be {near[0]}" if near else "name one of the exercise's checks"
            yield f"there is no check_{name}", hint


def _named(clause: dict[str, Any]) -> list[str]:
    """The checks that a clause names one by one."""
    checks = clause.get("checks", [])
    if isinstance(checks, str):
        return [] if checks == ALL else [checks]
    return [str(name) for name in checks]


def _checks(exercise: Exercise) -> list[str]:
    """The names of an exercise's checks, without their ``check_``."""
    path = exercise.checks
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return []  # said already
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [name.removeprefix("check_") for name in functions if name.startswith("check_")]
