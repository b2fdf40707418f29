"""A stub as it was shipped, once a learner has edited it.

It is derived from the solution and its gaps, where those are here. A copy of the kit
without ``solutions/`` has it in ``originals/NN_slug/``, where whoever handed it out has
put it (``reset --keep``), or else in git: the version of the last commit that changed
the kit itself, which no learner edits.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from grader.catalogue.exercises import Exercise
from grader.catalogue.gaps import Gaps

FOLDER = "originals"


class NoOriginal(Exception):
    """Nothing here knows what the stub was; the message says what would."""


@dataclass(frozen=True)
class Original:
    """A stub as it was shipped.

    Attributes:
        text: the file's bytes.
        source: where they are from, for the person who asked.
    """

    text: bytes
    source: str


def original(exercise: Exercise, language: str) -> Original:
    """The stub of an exercise, as it was shipped.

    Raises:
        NoOriginal: it cannot be known here.
        ManifestError: ``gaps.toml`` does not fit the solution.
    """
    if exercise.solution(language).exists():
        return Original(Gaps(exercise).stub(language).encode(), f"solutions/{exercise.key} and its gaps")
    kept = kept_at(exercise, language)
    if kept.exists():
        return Original(kept.read_bytes(), str(kept.relative_to(exercise.root)))
    found = _in_git(exercise, language)
    if found is None:
        raise NoOriginal(
            f"what {exercise.file_name(language)} was is not known here: this copy of the kit has no solutions/ and "
            f"no {FOLDER}/, and git does not know the file; take it from the copy that was handed out"
        )
    return found


def keep(exercise: Exercise) -> list[Path]:
    """Write the stubs of an exercise to where a copy without solutions looks for them.

    Raises:
        NoOriginal: it cannot be known here.
    """
    written = []
    for language in ("python", "c"):
        path = kept_at(exercise, language)
        text = original(exercise, language).text
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        written.append(path)
    return written


def kept_at(exercise: Exercise, language: str) -> Path:
    """Where a copy without solutions has the stub."""
    return exercise.root / FOLDER / exercise.key / exercise.file_name(language)


def _in_git(exercise: Exercise, language: str) -> Original | None:
    file = exercise.stub(language).relative_to(exercise.root)
    of_the_kit = [f"exercises/{exercise.key}/exercise.toml", f"c_stubs/{exercise.key}/{exercise.slug}.h", "grader"]
    last = _git(exercise.root, "log", "-1", "--format=%h %as", "--", *of_the_kit)
    if not last:
        return None
    commit, _, day = last.decode().strip().partition(" ")
    text = _git(exercise.root, "show", f"{commit}:./{file}")
    return None if text is None else Original(text, f"git, commit {commit} of {day}")


def _git(root: Path, *arguments: str) -> bytes | None:
    """What git says in a folder, or None where there is no git, or it does not know."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
