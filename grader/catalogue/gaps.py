"""Stubs and mutants, derived from a solution and its ``gaps.toml``.

``gaps.toml`` says what opens each gap: edits of the solution, each a text to
find and a text to put in its place::

    [[short-send.c]]
    find = "while (left > 0) {"
    put = "if (left > 0) {"

Edits are small pieces of text, so that most gaps can be open at the same time.
Where two gaps touch the same text, ``[[together]]`` says what both look like::

    [[together]]
    gaps = ["short-send", "zero-is-closed"]
    c = [{ find = "while (left > 0) {", put = "if (left > 0) {" }]

``[line]`` says what stands in the line that is reported for a gap that is open
alone, so that a diagnosis at another line is noticed::

    [line]
    short-send = { python = "sock.send(remaining)", c = "n = send(" }
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.catalogue.exercises import LANGUAGES, Exercise, ManifestError


@dataclass(frozen=True)
class _Edit:
    gap: str
    start: int
    end: int
    put: str


class Gaps:
    """The edits of one exercise.

    Args:
        exercise: its ``solutions/NN_slug/gaps.toml`` is read.

    Raises:
        ManifestError: the file cannot be read.
    """

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self._path = exercise.root / "solutions" / exercise.key / "gaps.toml"
        try:
            self._data = tomllib.loads(self._path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ManifestError(f"{self._path} cannot be read: {error.strerror}") from None
        except tomllib.TOMLDecodeError as error:
            raise ManifestError(f"{self._path} is not TOML: {error}") from None

    def stub(self, language: str) -> str:
        """The solution with all its gaps open."""
        return self.with_open(language, [gap.slug for gap in self._exercise.gaps_of(language)])

    def mutant(self, language: str, slug: str) -> str:
        """The solution with exactly one gap open."""
        return self.with_open(language, [slug])

    @property
    def opened(self) -> dict[str, set[str]]:
        """Gap -> the languages in which the file has edits for it."""
        return {
            slug: {language for language in LANGUAGES if language in edits}
            for slug, edits in self._data.items()
            if slug not in ("line", "together")
        }

    def line(self, language: str, slug: str) -> str:
        """A part of the line that is reported for a mutant; ``""`` where the
        gap is a line that is missing, and none can be named."""
        return self._data.get("line", {}).get(slug, {}).get(language, "")

    def lines(self, language: str, slug: str) -> list[int]:
        """The lines of the solution that a gap's edits begin at."""
        solution = self._exercise.solution(language).read_text(encoding="utf-8")
        starts = []
        for pair in self._data.get(slug, {}).get(language, []):
            blank = len(pair["find"]) - len(pair["find"].lstrip())
            starts += [edit.start + blank for edit in self._placed(slug, [pair], solution)]
        return sorted({solution.count("\n", 0, start) + 1 for start in starts})

    def with_open(self, language: str, slugs: Iterable[str]) -> str:
        """The solution with these gaps open.

        Raises:
            ManifestError: an edit does not fit the solution, or two edits
                overlap and no ``[[together]]`` says what both look like.
        """
        solution = self._exercise.solution(language).read_text(encoding="utf-8")
        edits = sorted(
            (
                edit
                for slug, pairs in self._chosen(language, set(slugs))
                for edit in self._placed(slug, pairs, solution)
            ),
            key=lambda edit: edit.start,
        )
        for first, second in itertools.pairwise(edits):
            if second.start < first.end:
                raise ManifestError(
                    f"{self._path}: {first.gap} and {second.gap} touch the same text of the {language} solution; "
                    "add a [[together]] that says what both look like"
                )
        text, position = [], 0
        for edit in edits:
            text += [solution[position : edit.start], edit.put]
            position = edit.end
        return "".join([*text, solution[position:]])

    def _chosen(self, language: str, slugs: set[str]) -> list[tuple[str, list[dict]]]:
        """The edits to make: a [[together]] stands for the gaps it names."""
        chosen, left = [], set(slugs)
        for entry in sorted(self._data.get("together", []), key=lambda entry: -len(entry["gaps"])):
            if language in entry and left.issuperset(entry["gaps"]):
                chosen.append((" + ".join(entry["gaps"]), entry[language]))
                left -= set(entry["gaps"])
        for slug in left:
            edits = self._data.get(slug, {}).get(language)
            if not edits:
                raise ManifestError(f"{self._path}: no edit opens {slug} in {language}")
            chosen.append((slug, edits))
        return chosen

    def _placed(self, slug: str, pairs: list[dict], solution: str) -> list[_Edit]:
        placed = []
        for pair in pairs:
            count = solution.count(pair["find"])
            if count != 1:
                where = "is not in the solution" if count == 0 else f"is in the solution {count} times"
                raise ManifestError(f"{self._path}: {slug}: {_first_line(pair['find'])!r} {where}")
            start = solution.index(pair["find"])
            placed.append(_Edit(slug, start, start + len(pair["find"]), pair["put"]))
        return placed


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), text)


def write_stubs(exercise: Exercise) -> list[Path]:
    """Write both stubs anew from the solution; the files that changed."""
    changed = []
    for language in ("python", "c"):
        text, path = Gaps(exercise).stub(language), exercise.stub(language)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
