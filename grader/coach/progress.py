"""What is remembered of a learner's work: one small readable file, which git ignores.

A program is an exercise in one language. The file may be deleted at any time; what is
lost is which hints were shown, and what was graded last::

    {
      "languages": ["c"],
      "last": "10_echo_server",
      "programs": {
        "10_echo_server c": {
          "verdict": "hang",
          "gap": "missed-eof",
          "closed": "3 of 12",
          "file": "9f2c6a01d3b8e47f",
          "report": "1b0c4d5e6f708192",
          "hints": {"missed-eof": 2}
        }
      }
    }

``file`` and ``report`` are digests: whether the one was changed since, and whether the
other is the same.
"""

from __future__ import annotations

import copy
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grader.catalogue.exercises import LANGUAGES, PROJECT
from grader.catalogue.unit import Unit
from grader.report.reasons import signature
from grader.verdict.model import UnitResult

NAME = "progress.json"
_EMPTY: dict[str, Any] = {"languages": [], "last": "", "programs": {}}


class Progress:
    """The file of one project, as it is now.

    Args:
        root: the project.

    Attributes:
        note: what became of a file that could not be read, in a sentence, or ``""``.
        unwritten: why nothing could be remembered, or ``""``; nothing that is asked
            for depends on it.
    """

    def __init__(self, root: Path = PROJECT) -> None:
        self._path = root / NAME
        self.note = self.unwritten = ""
        try:
            self._data = self._read()
        except ValueError:
            self._data = copy.deepcopy(_EMPTY)  # told when it is written anew

    @property
    def languages(self) -> list[str]:
        """The languages that the learner works in, the last one first."""
        return [language for language in self._data["languages"] if language in LANGUAGES]

    def remember_grades(
        self, graded: list[tuple[Unit, UnitResult]], files: dict[Unit, str], chosen: str | None
    ) -> list[Unit]:
        """What came of grading.

        Args:
            files: digests of what was graded.
            chosen: the language that the learner has named, if one.

        Returns:
            The programs whose file is another than before, and whose report is the same.
        """
        unmoved = []

        def change(data: dict[str, Any]) -> None:
            for unit, result in graded:
                before = data["programs"].setdefault(unit.name, {})
                now = {**_entry(result), "file": files[unit]}
                if before.get("file", now["file"]) != now["file"]:
                    _come_first(data["languages"], unit.language)
                    if now["report"] and now["report"] == before.get("report"):
                        unmoved.append(unit)
                data["programs"][unit.name] = {**before, **now}
            if chosen:
                _come_first(data["languages"], chosen)
            failing = [unit for unit, result in graded if result.first_failure] or [unit for unit, _ in graded]
            own = [unit for unit in failing if unit.language in data["languages"]]
            data["last"] = (own or failing)[0].exercise.key

        self._change(change)
        return unmoved

    @property
    def last(self) -> str:
        """The key of the exercise that was asked for last, or ``""``."""
        return self._data["last"]

    def hints(self, unit: Unit, gap: str) -> int:
        """How many hints of a gap were shown."""
        return self._data["programs"].get(unit.name, {}).get("hints", {}).get(gap, 0)

    def remember_hint(self, unit: Unit, gap: str, number: int, *, is_chosen: bool) -> None:
        """So many hints of a gap have been shown.

        Args:
            is_chosen: whether the learner has named the language.
        """

        def change(data: dict[str, Any]) -> None:
            data["programs"].setdefault(unit.name, {}).setdefault("hints", {})[gap] = number
            data["last"] = unit.exercise.key
            if is_chosen:
                _come_first(data["languages"], unit.language)

        self._change(change)

    # --- the file ---------------------------------------------------------

    def _change(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the file as it is by now: another command may have written it."""
        try:
            with _alone_in(self._path.parent):
                try:
                    data = self._read()
                except ValueError as error:
                    kept = set_aside(self._path)
                    self.note = f"{NAME} could not be read ({error}): it is {kept.name} now, and a new one was begun"
                    data = copy.deepcopy(_EMPTY)
                change(data)
                self._data = data
                text = json.dumps(data, indent=1) + "\n"
                fresh = self._path.with_name(f"{NAME}.new")
                fresh.write_text(text, encoding="utf-8")
                fresh.replace(self._path)
        except OSError as error:
            self.unwritten = f"what was done is not remembered: {self._path} cannot be written: {error.strerror}"

    def _read(self) -> dict[str, Any]:
        """What the file says.

        Raises:
            ValueError: it is not as this module writes it.
        """
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return copy.deepcopy(_EMPTY)
        except OSError as error:
            raise ValueError(error.strerror) from None
        if not _is_like(data, _EMPTY) or not all(isinstance(one, str) for one in data["languages"]):
            raise ValueError("it does not have what this kit writes")
        if not all(_is_entry(program) for program in data["programs"].values()):
            raise ValueError("it does not have what this kit writes of a program")
        return data


def digest(path: Path) -> str:
    """What a file has, in few characters; ``""`` where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def _entry(result: UnitResult) -> dict[str, str]:
    failure = result.first_failure
    return {
        "verdict": str(result.verdict),
        "gap": failure.diagnosis.gap if failure and failure.diagnosis else "",
        "closed": f"{len(result.closed)} of {len(result.gaps)}",
        "report": signature(failure) if failure else "",
    }


def _is_entry(program: Any) -> bool:
    if not isinstance(program, dict):
        return False
    rest = dict(program)
    hints = rest.pop("hints", {})
    return (
        isinstance(hints, dict)
        and all(type(count) is int for count in hints.values())
        and all(isinstance(value, str) for value in rest.values())
    )


def _come_first(languages: list[str], language: str) -> None:
    languages[:] = [language, *(one for one in languages if one != language)]


def _is_like(data: Any, shape: dict[str, Any]) -> bool:
    return isinstance(data, dict) and all(isinstance(data.get(key), type(value)) for key, value in shape.items())


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other commands of the kit waiting that would write to a folder now."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def set_aside(path: Path) -> Path:
    """Rename a file to the first of ``NAME.1``, ``NAME.2`` that is free; returns its new path."""
    number = 1
    while (kept := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    return path.rename(kept)
