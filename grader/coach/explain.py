"""``python -m grader explain NAME``: a gap, or a word of the reports, explained."""

from __future__ import annotations

import argparse
import difflib
import re
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from grader.catalogue.exercises import LANGUAGES, Exercise, Gap, load_all
from grader.catalogue.gaps import Gaps
from grader.catalogue.unit import Unit
from grader.coach import choice
from grader.coach.choice import BadUsage
from grader.coach.progress import Progress
from grader.plugin import session
from grader.report.page import INDENT, MARGIN
from grader.report.terminal import Terminal
from grader.verdict.model import CheckResult

SHOWN = 0
TERMS = Path(__file__).parent / "terms.toml"


@dataclass(frozen=True)
class Term:
    """A word that is explained.

    Attributes:
        name: ``half-close``.
        what: what it is, in a paragraph.
        also: other words for it, or what it is looked for by.
        wire: a drawing of what happens, or ``""``.
        read: man pages.
        exercises: keys of those that are about it.
    """

    name: str
    what: str
    also: tuple[str, ...] = ()
    wire: str = ""
    read: tuple[str, ...] = ()
    exercises: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "name",
        nargs="*",
        metavar="NAME",
        help="a gap, such as short-send, or a word, such as half-close; none: list all",
    )
    parser.add_argument("--lang", choices=LANGUAGES, help="the program that shows a gap; default: as you work in")
    choice.add_color(parser)


def run(options: argparse.Namespace) -> int:
    """Explain; returns the exit code.

    Raises:
        BadUsage: there is nothing of that name.
    """
    exercises, terms = load_all(), load_terms()
    page = _Explained(options.color)
    name = _plain(" ".join(options.name))
    if not name:
        page.index(terms, exercises)
        return SHOWN
    found = [term for term in terms if name == term.name or name in map(_plain, term.also)]
    having = [exercise for exercise in exercises if name in exercise.gaps]
    if not found and not having:
        raise BadUsage(_nearest(name, " ".join(options.name), terms, exercises))
    for term in found:
        page.term(term)
    if having:
        page.gap(name, having)
        exercise, language = _shown_in(name, having, options.lang)
        if (failure := _recorded(exercise, language, name)) is not None:
            page.recorded(exercise, language, failure)
        page.further(list(dict.fromkeys(read for one in having for read in one.gaps[name].read)), [])
    return SHOWN


def load_terms() -> list[Term]:
    """The words that are explained."""
    data = tomllib.loads(TERMS.read_text(encoding="utf-8"))
    return [
        Term(
            name=name,
            what=" ".join(entry["what"].split()),
            also=tuple(entry.get("also", ())),
            wire=entry.get("wire", "").strip("\n"),
            read=tuple(entry.get("read", ())),
            exercises=tuple(entry.get("exercises", ())),
        )
        for name, entry in data.items()
    ]


def _plain(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.strip().lower())


def _nearest(name: str, typed: str, terms: list[Term], exercises: list[Exercise]) -> str:
    known = {term.name for term in terms} | {_plain(word) for term in terms for word in term.also}
    known |= {slug for exercise in exercises for slug in exercise.gaps}
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    guess = f"; did you mean {' or '.join(near)}?" if near else "; nox -s explain lists what there is"
    return f"there is no gap and no word {typed!r}{guess}"


def _shown_in(slug: str, having: list[Exercise], language: str | None) -> tuple[Exercise, str]:
    """The exercise and the language that show a gap."""
    progress = Progress()
    wanted = [language] if language else [*progress.languages, *LANGUAGES]
    exercise = next((one for one in having if one.key == progress.last), having[0])
    possible = exercise.gaps[slug].languages
    return exercise, next((one for one in wanted if one in possible), possible[0])


def _recorded(exercise: Exercise, language: str, slug: str) -> CheckResult | None:
    """How the solution fails with that gap alone open, where the solution is here."""
    if not exercise.solution(language).exists():
        return None
    with tempfile.TemporaryDirectory(prefix="thirteen-bytes-") as folder:
        path = Path(folder, exercise.file_name(language))
        path.write_text(Gaps(exercise).mutant(language, slug), encoding="utf-8")
        unit = Unit(exercise, language, path, slug)
        outcome = session.run_here([unit], places=session.processors(), until="first")
    failure = outcome.results[0].first_failure
    return failure if failure and failure.diagnosis and failure.diagnosis.gap == slug else None


class _Explained(Terminal):
    """What the command shows."""

    def term(self, term: Term) -> None:
        """A word, with its drawing."""
        self._heading("term", term.name)
        self.paragraph(term.what)
        if term.wire:
            self.say()
            for line in term.wire.splitlines():
                self.say(f"{MARGIN}{line}")
        self.further(term.read, [key.replace("_", " ", 1) for key in term.exercises])

    def gap(self, slug: str, having: list[Exercise]) -> None:
        """A gap, in all exercises that have it."""
        self._heading("gap", slug)
        alike: dict[str, list[str]] = {}
        for exercise in having:
            gap = exercise.gaps[slug]
            alike.setdefault(gap.sentence, []).append(f"{exercise.label}{_only(gap)}")
        for sentence, labels in alike.items():
            self.paragraph(f"{', '.join(labels)}: {sentence}", margin=f"{MARGIN}   ")
        reasons = dict.fromkeys(hint for exercise in having for hint in exercise.gaps[slug].hints[1:2])
        for reason in list(reasons)[:3]:
            self.say()
            self.paragraph(reason)

    def recorded(self, exercise: Exercise, language: str, failure: CheckResult) -> None:
        """A program that has the gap, as it met its peers."""
        self.say()
        self.paragraph(f"With this gap alone open, {exercise.label} in {language}:", "bold")
        self.paragraph(failure.diagnosis.sentence)
        if failure.diagnosis.excerpt:
            self.excerpt(failure.diagnosis.excerpt)
        self.transcript(failure.diagnosis.transcript)

    def further(self, read: list[str] | tuple[str, ...], exercises: list[str]) -> None:
        """What to read, and where it is met."""
        if read or exercises:
            self.say()
        for word, entries in (("read", read), ("in", exercises)):
            if entries:
                self.paragraph(", ".join(entries), first=f"{MARGIN}{word:<6}", margin=f"{MARGIN}      ")

    def index(self, terms: list[Term], exercises: list[Exercise]) -> None:
        """All words and all gaps."""
        gaps = sorted({slug for exercise in exercises for slug in exercise.gaps})
        for word, names in (("terms", [term.name for term in terms]), ("gaps", gaps)):
            self._heading(word, ", ".join(names), style="")
        self.say()
        self.say(f"{MARGIN}nox -s explain -- NAME")

    def _heading(self, word: str, text: str, style: str = "bold") -> None:
        self.say()
        self.paragraph(text, style, first=f" {word:<{INDENT - 1}}")


def _only(gap: Gap) -> str:
    return f" (in {gap.languages[0]} alone)" if len(gap.languages) == 1 else ""
