"""Reads the exercises from their folders, and finds the ones a person names."""

from __future__ import annotations

import ast
import difflib
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LANGUAGES = ("python", "c")
_KEY = re.compile(r"(\d\d)_([a-z][a-z0-9_]*)")


class ManifestError(Exception):
    """An exercise's own files are not as they must be; the message says where."""


class UnknownExercise(Exception):
    """No exercise goes by that name; the message suggests the nearest."""


@dataclass(frozen=True)
class Gap:
    """A deliberate defect of a stub.

    Attributes:
        slug: its stable name, ``short-send``.
        sentence: what is wrong, in one sentence without a full stop.
        read: man pages or documents, the first is shown with a diagnosis.
        hints: at most three, from a question to the shape of the repair.
        languages: where it exists.
        because: why it does not exist in the other language.
    """

    slug: str
    sentence: str
    read: tuple[str, ...]
    hints: tuple[str, ...]
    languages: tuple[str, ...] = LANGUAGES
    because: str = ""


@dataclass(frozen=True, eq=False)
class Exercise:
    """One numbered unit of the syllabus.

    Attributes:
        key: ``04_send_all``, the name of its folders.
        title: what the program does, for the board.
        teaches: what there is to learn, for the table.
        part: the syllabus' part it belongs to.
        after: keys of the exercises that come before it.
        functions: the contract's functions -> their Python signatures; a method
            is called ``Class.method``.
        gaps: slug -> gap, in the order of the manifest.
        c_functions: the names that a C file must define.
        c_allows: calls the C contract may make that are otherwise refused.
        pure: whether the contract needs no system call, so that none can fail.
        keeps_signals: whether signal dispositions and masks must be left as
            they were found; a server that serves until it is ended may do as it
            needs (``keeps_signals = false``).
        root: the project that the files lie in.
    """

    key: str
    title: str
    teaches: str
    part: int
    after: tuple[str, ...]
    functions: dict[str, str]
    gaps: dict[str, Gap]
    c_functions: tuple[str, ...]
    c_allows: tuple[str, ...]
    pure: bool
    root: Path
    keeps_signals: bool = True

    @property
    def number(self) -> int:
        return int(self.key[:2])

    @property
    def slug(self) -> str:
        return self.key[3:]

    @property
    def header(self) -> Path:
        """The C contract, which is also the cffi declarations."""
        return self.root / "c_stubs" / self.key / f"{self.slug}.h"

    @property
    def binding(self) -> Path:
        return self.root / "c_stubs" / self.key / "binding.py"

    @property
    def checks(self) -> Path:
        """The file with its checks."""
        return self.root / "grader" / "checks" / f"check_{self.slug}.py"

    @property
    def label(self) -> str:
        """How reports call it: ``04 send_all``."""
        return self.key.replace("_", " ", 1)

    @property
    def row(self) -> str:
        """Its row in the README's table of exercises."""
        return f"| [{self.label}](exercises/{self.key}/README.md) | {self.title} | {self.teaches} |"

    def file_name(self, language: str) -> str:
        return f"{self.slug}.{'py' if language == 'python' else 'c'}"

    def stub(self, language: str) -> Path:
        """The file a learner edits."""
        return self.within(self.root, language)

    def solution(self, language: str) -> Path:
        return self.root / "solutions" / self.key / self.file_name(language)

    def within(self, folder: Path, language: str) -> Path:
        """Where a learner's file lies in a project or a submission: in the
        project's own layout, or directly in the folder."""
        home = "exercises" if language == "python" else "c_stubs"
        placed = folder / home / self.key / self.file_name(language)
        flat = folder / self.file_name(language)
        return flat if flat.exists() and not placed.exists() else placed

    def gaps_of(self, language: str) -> list[Gap]:
        return [gap for gap in self.gaps.values() if language in gap.languages]

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """Function -> names of its parameters."""
        found = {}
        for name, signature in self.functions.items():
            definition = ast.parse(f"def {signature}: ...").body[0]
            found[name] = [argument.arg for argument in definition.args.args]
        return found


def load_all(root: Path = PROJECT) -> list[Exercise]:
    """All exercises of a project, by number.

    Raises:
        ManifestError: a manifest cannot be read.
    """
    return load_named([], root)


def load_named(names: list[str], root: Path = PROJECT) -> list[Exercise]:
    """The exercises that a person names, in the order of the syllabus; the manifests
    of others are not read.

    Args:
        names: each a key, a slug, a number with or without zeros, or a path to
            one of the exercise's folders or files; none means all.

    Raises:
        ManifestError: a manifest cannot be read.
        UnknownExercise: for the first name that fits none.
    """
    keys = sorted(path.name for path in (root / "exercises").iterdir() if _KEY.fullmatch(path.name))
    chosen = {_one(keys, name) for name in names} if names else set(keys)
    return [load(root / "exercises" / key) for key in keys if key in chosen]


def load(folder: Path) -> Exercise:
    """One exercise from its folder in ``exercises/``."""
    path = folder / "exercise.toml"
    try:
        manifest = tomllib.loads(path.read_text(encoding="utf-8"))
        return Exercise(
            key=folder.name,
            title=manifest["title"],
            teaches=manifest["teaches"],
            part=manifest["part"],
            after=tuple(manifest.get("after", ())),
            functions=manifest["functions"],
            gaps={gap["slug"]: _gap(gap) for gap in manifest["gap"]},
            c_functions=tuple(manifest.get("c", {}).get("functions", manifest["functions"])),
            c_allows=tuple(manifest.get("c", {}).get("allows", ())),
            pure=manifest.get("pure", False),
            root=folder.parents[1],
            keeps_signals=manifest.get("keeps_signals", True),
        )
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path} is not TOML: {error}") from None
    except (KeyError, TypeError) as error:
        raise ManifestError(f"{path} lacks {error}") from None


def _gap(entry: dict) -> Gap:
    return Gap(
        slug=entry["slug"],
        sentence=entry["sentence"],
        read=tuple(entry["read"]),
        hints=tuple(entry["hints"]),
        languages=tuple(entry.get("languages", LANGUAGES)),
        because=entry.get("because", ""),
    )


def _one(keys: list[str], name: str) -> str:
    wanted = name.strip().rstrip("/").lower().replace("-", "_")
    parts = set(re.split(r"[/\\]", wanted))
    for key in keys:
        number, _, slug = key.partition("_")
        if wanted == slug or key in parts or (wanted.isdigit() and int(wanted) == int(number)):
            return key
    known = [word for key in keys for word in (key, key.partition("_")[2])]
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.5)
    if near:
        raise UnknownExercise(f"there is no exercise {name!r}; did you mean {near[0]}?")
    raise UnknownExercise(f"there is no exercise {name!r}; there are {', '.join(keys)}")
