"""Which program a learner means: the exercise and the language, where one is not named."""

from __future__ import annotations

import argparse

from grader.catalogue.exercises import LANGUAGES, Exercise, UnknownExercise, load_named
from grader.catalogue.unit import Unit
from grader.coach.progress import Progress


class BadUsage(Exception):
    """The command cannot be obeyed as it was given; the message says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of a command about one program."""
    parser.add_argument(
        "exercise", nargs="?", metavar="EXERCISE", help="04, send_all or 04_send_all; default: the one graded last"
    )
    parser.add_argument("--lang", choices=LANGUAGES, help="default: the language you work in")
    add_color(parser)


def add_color(parser: argparse.ArgumentParser) -> None:
    """The argument that all commands have."""
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour what is shown")


def unit(options: argparse.Namespace, progress: Progress, command: str) -> Unit:
    """The program that is meant.

    Args:
        command: its name, for the sentence that asks for more.

    Raises:
        UnknownExercise: none goes by that name.
        BadUsage: no exercise is named, and none was graded.
    """
    exercise = _exercise(options.exercise, progress, command)
    language = options.lang or next(iter(progress.languages), LANGUAGES[0])
    return Unit(exercise, language, exercise.stub(language))


def _exercise(name: str | None, progress: Progress, command: str) -> Exercise:
    ask = BadUsage(f"name an exercise: nox -s {command} -- 04")
    if name is not None:
        return load_named([name])[0]
    if not progress.last:
        raise ask
    try:
        return load_named([progress.last])[0]
    except UnknownExercise:  # it was there when it was graded
        raise ask from None
