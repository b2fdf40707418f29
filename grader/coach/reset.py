"""``python -m grader reset EXERCISE``: put a stub back, and keep what was there."""

from __future__ import annotations

import argparse
import difflib
import os
from pathlib import Path

from grader.catalogue.exercises import LANGUAGES, Exercise, load_named
from grader.coach import choice
from grader.coach.ask import agreed
from grader.coach.choice import BadUsage
from grader.coach.original import FOLDER, NoOriginal, Original, keep, original
from grader.coach.progress import set_aside
from grader.report.page import INDENT, MARGIN, Page
from grader.verdict.words import counted

DONE, NOT_DONE = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("exercise", nargs="?", metavar="EXERCISE", help="04, send_all or 04_send_all")
    parser.add_argument("--lang", choices=LANGUAGES, help="default: the one whose file was changed")
    parser.add_argument("--yes", action="store_true", help="do not ask first")
    parser.add_argument(
        "--keep",
        action="store_true",
        help=f"for who hands out the kit without solutions/: write the stubs of all exercises, or of that one, to "
        f"{FOLDER}/, where reset looks for them",
    )
    choice.add_color(parser)


def run(options: argparse.Namespace) -> int:
    """Put the stub back; returns the exit code.

    Raises:
        BadUsage, UnknownExercise: what is meant is not clear, or there is none to ask.
    """
    page = Page(options.color)
    try:
        if options.keep:
            return _keep(page, load_named([options.exercise] if options.exercise else []))
        if options.exercise is None:
            raise BadUsage("name an exercise: nox -s reset -- 04")
        exercise = load_named([options.exercise])[0]
        language, stub = _meant(exercise, options.lang)
        return _put_back(page, exercise.stub(language), exercise.root, stub, is_given=options.yes)
    except NoOriginal as error:
        page.say()
        page.paragraph(str(error))
        return NOT_DONE
    except OSError as error:
        page.paragraph(f"{error.filename} cannot be written: {error.strerror}")
        return NOT_DONE


def _meant(exercise: Exercise, named: str | None) -> tuple[str, Original]:
    """The language that is meant, and its stub as it was shipped."""
    stubs = {language: original(exercise, language) for language in ([named] if named else LANGUAGES)}
    changed = [language for language, stub in stubs.items() if _bytes(exercise.stub(language)) != stub.text]
    if len(changed) > 1:
        raise BadUsage(f"{exercise.label} was changed in both languages: add --lang python or --lang c")
    language = (changed or list(stubs))[0]
    return language, stubs[language]


def _put_back(page: Page, path: Path, root: Path, stub: Original, *, is_given: bool) -> int:
    name, found = str(path.relative_to(root)), _bytes(path)
    page.say()
    if found == stub.text:
        page.paragraph(f"{name} is as it was shipped: there is nothing to put back", first=_begin("reset"))
        return DONE
    if found is not None:
        lines = counted(_distance(found, stub.text), "line")
        if not agreed(
            page, f"Put back {name}, of which {lines} differ{'s' * lines.startswith('1 ')}?", is_given=is_given
        ):
            page.say(f"{MARGIN}It was left as it is.")
            return NOT_DONE
    fresh = path.with_name(f"{path.name}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh.write_bytes(stub.text)
    kept = set_aside(path) if found is not None else None
    os.replace(fresh, path)
    page.paragraph(f"{name} is as it was shipped again, from {stub.source}", first=_begin("reset"))
    if kept is not None:
        page.paragraph(f"What was there is {kept.relative_to(root)}")
    return DONE


def _keep(page: Page, exercises: list[Exercise]) -> int:
    for exercise in exercises:
        for path in keep(exercise):
            page.say(f" wrote {path.relative_to(exercise.root)}")
    return DONE


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _distance(found: bytes, stub: bytes) -> int:
    """How many lines of a file are not the stub's, or lack."""
    texts = (text.decode(errors="replace").splitlines() for text in (found, stub))
    changes = difflib.SequenceMatcher(None, *texts, autojunk=False).get_opcodes()
    return sum(max(b - a, d - c) for tag, a, b, c, d in changes if tag != "equal")


def _begin(word: str) -> str:
    return f" {word:<{INDENT - 1}}"
