"""The shape of `grader`: rooms that are told of, short files, and no circle of imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grader

ROOT = Path(grader.__file__).parent
#: Lines of a file that can be read at one go; of checks, which are scripts one after the other.
LONGEST, LONGEST_OF_CHECKS = 400, 440


def _name(path: Path) -> str:
    return ".".join((ROOT.name, *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


MODULES = {_name(path): path for path in ROOT.rglob("*.py")}


def _imported(module: str) -> Iterator[str]:
    """The modules that one imports, wherever in its text: for the type checker alone,
    or only when a function runs; a package that loads by name loads all it has."""
    text = MODULES[module].read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else node.module for name in inside)
    if "import_module(" in text:
        yield from (name for name in MODULES if name.startswith(f"{module}."))


def test_no_module_imports_one_that_imports_it() -> None:
    graph = {module: MODULES.keys() & set(_imported(module)) for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" is imported by ".join(error.args[1])) from None


def test_no_file_is_longer_than_can_be_read_at_one_go() -> None:
    files = [path for ending in ("py", "c", "h") for path in ROOT.rglob(f"*.{ending}")]
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    most = {path: LONGEST_OF_CHECKS if path.parent.name == "checks" else LONGEST for path in files}
    assert {path.name: count for path, count in lines.items() if count > most[path]} == {}


def test_every_room_is_told_of() -> None:
    told = re.findall(r"^([a-z]+)  ", grader.__doc__, re.MULTILINE)
    assert sorted(told) == sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
