"""The standard mutants that nobody can tell from the program, and why.

``solutions/NN_slug/equivalent.toml`` names them one by one::

    [[mutant]]
    program = "echo_server.py"
    line = "time.sleep(0.01)"
    becomes = ["time.sleep(0.0)", "time.sleep(0.02)"]
    because = "no clause says how short or long the pause may be"

A line is written with its blanks squeezed.  Where a program has it several
times, ``occurrence = 2`` is the second one.  ``program`` may be a list, too.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path

from grader.catalogue.exercises import LANGUAGES, Exercise
from grader.verify.model import Breach
from grader.verify.mutation import c_source, python_source
from grader.verify.mutation.model import Mutant, mutants

NAME = "equivalent.toml"
_FIELDS = {"program", "line", "becomes", "because", "occurrence"}
_NEEDED = ("program", "line", "becomes", "because")

Key = tuple[str, str, str, int]


def programs(exercise: Exercise, language: str) -> list[Path]:
    """The solution and its accepted variants in a language."""
    solution = exercise.solution(language)
    return [solution, *sorted((solution.parent / "accepted").glob(f"*{solution.suffix}"))]


def made(exercise: Exercise, language: str) -> list[Mutant]:
    """All standard mutants of an exercise's right programs in a language."""
    maker = python_source if language == "python" else c_source
    found = []
    for path in programs(exercise, language):
        text = path.read_text(encoding="utf-8")
        found += mutants(str(path.relative_to(exercise.solution(language).parent)), text, maker.edits(text))
    return found


def excused(exercise: Exercise) -> set[Key]:
    """The mutants that stand in an exercise's file, by `Mutant.key`."""
    try:
        entries = tomllib.loads(_path(exercise).read_text(encoding="utf-8")).get("mutant", [])
    except (OSError, tomllib.TOMLDecodeError):
        return set()  # there is none; or said by `entries_are_right`
    return {key for entry in entries for key in _keys(entry)}


def entries_are_right(exercise: Exercise) -> Iterator[Breach]:
    """Entries that lack something, or fit no mutant any more."""
    path, subject = _path(exercise), exercise.label
    if path.is_file():
        for sentence, advice in _amiss_with(path, exercise):
            yield Breach(7, subject, str(path.relative_to(exercise.root)), sentence, advice)


def _path(exercise: Exercise) -> Path:
    return exercise.root / "solutions" / exercise.key / NAME


def _keys(entry: dict) -> Iterator[Key]:
    """The mutants that an entry stands for."""
    for program, line, becomes in itertools.product(*(_all(entry.get(field, "")) for field in _NEEDED[:3])):
        yield program, line, becomes, entry.get("occurrence", 1)


def _all(value: str | list[str]) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [" ".join(str(text).split()) for text in values]


def _amiss_with(path: Path, exercise: Exercise) -> Iterator[tuple[str, str]]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", [])
    except tomllib.TOMLDecodeError as error:
        yield f"it is not TOML: {error}", "mend that line"
        return
    keys = {m.key for language in LANGUAGES for m in made(exercise, language)} if entries else set()
    seen: set[Key] = set()
    for number, entry in enumerate(entries, 1):
        where = f"entry {number}, {entry.get('line', '')!r}"
        for field in sorted(entry.keys() - _FIELDS):
            yield f"{where}: there is no field {field}", f"an entry has {', '.join(_NEEDED)}"
        for field in _NEEDED:
            if not any(_all(entry.get(field, ""))):
                yield f"{where}: it has no {field}", "say it; without a reason a check has to tell the two apart"
        for key in _keys(entry):
            program, _, becomes, _ = key
            if key not in keys:
                yield f"{where}: no mutant of {program} has {becomes!r}", "leave it out, or name the one there is"
            if key in seen:
                yield f"{where}: {becomes!r} is there twice", "leave one out, or say which `occurrence` each is"
            seen.add(key)
