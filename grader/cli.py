"""The command line: arguments in, an exit code out.

Exit codes: 0 everything passed; 1 something to repair; 2 the kit's own fault,
or nothing could be judged here; 3 bad usage; 130 interrupted (Ctrl-C), as shells have it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from grader.catalogue.exercises import LANGUAGES, PROJECT, Exercise, ManifestError, UnknownExercise, load_named
from grader.catalogue.unit import Unit
from grader.confine import NotConfined
from grader.verdict.model import UnitResult, Verdict

if TYPE_CHECKING:
    from grader.confine.job import Job

PASSED, TO_REPAIR, KIT_FAULT, BAD_USAGE, INTERRUPTED = 0, 1, 2, 3, 130
#: What grading imports -> the package that has it.
REQUIREMENTS = {"pytest": "pytest", "pytest_timeout": "pytest-timeout", "cffi": "cffi", "rich": "rich"}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(BAD_USAGE, f"grader: {message}\n{self.format_usage()}")


def _parser() -> argparse.ArgumentParser:
    others = "|".join(name for name in COMMANDS if name != "grade")
    parser = _Parser(
        prog="python -m grader",
        usage=f"%(prog)s [grade] [EXERCISE ...] [options], or %(prog)s {others} ... (each has its own --help)",
        description="Grade the exercises: all of them, or those named by slug or number.",
        epilog="exit codes: 0 all passed, 1 something to repair, 2 the kit's own fault, 3 bad usage, 130 interrupted",
    )
    parser.add_argument("exercises", nargs="*", metavar="EXERCISE", help="04, send_all or 04_send_all; default: all")
    parser.add_argument("--lang", choices=LANGUAGES, help="grade only that language")
    parser.add_argument(
        "-k",
        metavar="EXPRESSION",
        default="",
        help="only the checks whose names match, as pytest has it; one that matches none shows the names",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show every reason to fail in full, not just the first"
    )
    parser.add_argument(
        "--submission", metavar="DIR", type=Path, help="grade the files of that folder instead of the stubs here"
    )
    parser.add_argument(
        "--sandbox",
        choices=("required", "auto", "none"),
        help="confine the programs, or grade nothing; confine them where this machine allows it; trust them. "
        "Default: required with --submission, else none",
    )
    parser.add_argument(
        "--report", metavar="FORMAT=FILE", action="append", default=[], help="also write a report; FORMAT is json"
    )
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colour the terminal report"
    )
    return parser


def main(arguments: list[str]) -> int:
    """Do what the command line asks for; returns the exit code."""
    if missing := [package for module, package in REQUIREMENTS.items() if find_spec(module) is None]:
        return _complain(
            f"not installed here: {', '.join(missing)}; {sys.executable} -m pip install {' '.join(missing)}, "
            "or use nox, which installs what it needs",
            KIT_FAULT,
        )
    command, rest = (
        (arguments[0], arguments[1:]) if arguments[:1] and arguments[0] in COMMANDS else ("grade", arguments)
    )
    try:
        return COMMANDS[command](rest)
    except UnknownExercise as error:
        return _complain(str(error), BAD_USAGE)
    except NotConfined as error:
        return _complain(f"nothing was graded: {error}; or, for code that you trust, --sandbox none", KIT_FAULT)
    except ManifestError as error:
        return _complain(f"{error} (a file of whoever wrote the exercise, not of who solves it)", KIT_FAULT)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)


def _verify(arguments: list[str]) -> int:
    from grader.verify import command

    parser = _Parser(
        prog="python -m grader verify",
        description="Prove the laws of all exercises, or of those named by slug or number.",
        epilog="exit codes: 0 every law holds, 1 a law is broken, 2 the kit's own fault, 3 bad usage, 130 interrupted",
    )
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def _new(arguments: list[str]) -> int:
    from grader.new import command

    parser = _Parser(
        prog="python -m grader new",
        description="Write a complete, tiny, lawful exercise, to be edited.",
        epilog="exit codes: 0 written, 3 the name is taken or is no name",
    )
    command.add_arguments(parser)
    try:
        return command.run(parser.parse_args(arguments))
    except command.BadName as error:
        return _complain(str(error), BAD_USAGE)


def _hint(arguments: list[str]) -> int:
    from grader.coach import hint

    return _coached(
        "hint",
        hint,
        "Show the next hint of the gap that fails now, and say which of how many it is.",
        "0 a hint was shown, or none is needed, 1 there is none, or no further one, 2 the kit's own fault, "
        "or it cannot be judged here, 3 bad usage, 130 interrupted",
        arguments,
    )


def _reset(arguments: list[str]) -> int:
    from grader.coach import reset

    return _coached(
        "reset",
        reset,
        "Put the stub of an exercise back, as it was shipped; what was there is kept, with a number.",
        "0 it is as it was shipped, 1 it is not, 2 the kit's own fault, 3 bad usage, 130 interrupted",
        arguments,
    )


def _diff(arguments: list[str]) -> int:
    from grader.coach import diff

    return _coached(
        "diff",
        diff,
        "After a pass: show the reference beside your own file, and why each gap mattered.",
        "0 it was shown, 1 it was not, 2 the kit's own fault, 3 bad usage, 130 interrupted",
        arguments,
    )


def _explain(arguments: list[str]) -> int:
    from grader.coach import explain

    return _coached(
        "explain",
        explain,
        "Explain a gap, such as short-send, or a word of the reports, such as half-close.",
        "0 it was explained, 2 the kit's own fault, 3 bad usage, 130 interrupted",
        arguments,
    )


def _trace(arguments: list[str]) -> int:
    from grader.coach import trace

    return _coached(
        "trace",
        trace,
        "Run a check of an exercise, and show all that the program and its peers have said to each other.",
        "0 it was shown, 1 there was nothing to show, 2 the kit's own fault, or it cannot be run here, 3 bad usage, "
        "130 interrupted",
        arguments,
    )


def _by_hand(arguments: list[str]) -> int:
    from grader.coach import by_hand

    at = arguments.index("--") if "--" in arguments else len(arguments)
    values = [f"--value={value}" for value in arguments[at + 1 :]]  # whatever they begin with
    return _coached(
        "run",
        by_hand,
        "Run a program by itself, outside of the grader, to talk to it by hand or to debug it.",
        "0 it ended well, 1 it did not, 2 something that it takes is not here, 3 bad usage, 130 interrupted (Ctrl-C)",
        [*arguments[:at], *values],
    )


def _doctor(arguments: list[str]) -> int:
    from grader.coach import doctor

    return _coached(
        "doctor",
        doctor,
        "Say what this machine has for grading, and the command that mends what it lacks.",
        "0 all exercises can be graded here, 1 something lacks, 3 bad usage, 130 interrupted",
        arguments,
    )


def _coached(name: str, command: ModuleType, description: str, codes: str, arguments: list[str]) -> int:
    """Run one of the learner's own commands."""
    from grader.coach.choice import BadUsage

    parser = _Parser(prog=f"python -m grader {name}", description=description, epilog=f"exit codes: {codes}")
    command.add_arguments(parser)
    try:
        return command.run(parser.parse_args(arguments))
    except BadUsage as error:
        return _complain(str(error), BAD_USAGE)


def _grade_command(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    from grader.report import export

    exercises = load_named(options.exercises)
    try:
        writers = [export.parse(text) for text in options.report]
    except export.BadReport as error:
        return _complain(str(error), BAD_USAGE)
    if options.submission is not None and not options.submission.is_dir():
        return _complain(f"the submission {options.submission} is not a folder", BAD_USAGE)
    units = _units(exercises, options.lang, options.submission, bool(options.exercises))
    if not units:
        return _complain(f"{options.submission} has no file of the exercises named", BAD_USAGE)
    with _confined(units, options) as (units, job):
        return _grade(units, options, writers, job)


def _complain(message: str, code: int) -> int:
    print(f"grader: {message}", file=sys.stderr)
    return code


def _units(exercises: list[Exercise], language: str | None, submission: Path | None, are_named: bool) -> list[Unit]:
    """What is graded.  Of a submission that is what it has; an exercise that was named,
    of which it has nothing, is missing, and graded as such."""
    units = []
    languages = [language] if language else LANGUAGES
    for exercise in exercises:
        if submission is None:
            units += [Unit(exercise, each, exercise.stub(each)) for each in languages]
            continue
        own = [Unit(exercise, each, exercise.within(submission.resolve(), each)) for each in languages]
        there = [unit for unit in own if os.path.lexists(unit.path)]
        units += there or (own if are_named else [])
    return units


@contextmanager
def _confined(units: list[Unit], options: argparse.Namespace) -> Iterator[tuple[list[Unit], Job | None]]:
    """The units as they are graded, and what confines them.

    Raises:
        NotConfined: they are to be, and this machine does not allow it.
    """
    mode = options.sandbox or ("required" if options.submission else "none")
    if mode == "none":
        yield units, None
        return
    from grader.confine import tier

    try:
        job = tier.enter()
    except NotConfined as error:
        if mode == "required":
            raise
        print(f"grader: the programs are not confined: {error}", file=sys.stderr)
        yield units, None
        return
    root = options.submission.resolve() if options.submission else PROJECT
    try:
        names = [str(unit.path.relative_to(root)) for unit in units]
        copies = [job.take_in(root, name) for name in names]
        yield [replace(unit, path=copy) for unit, copy in zip(units, copies, strict=True)], job
    finally:
        job.close()


def _grade(units: list[Unit], options: argparse.Namespace, writers: list, job: Job | None) -> int:
    from grader.coach.progress import Progress, digest
    from grader.plugin import session

    files = {unit: digest(unit.path) for unit in units}
    outcome = session.run(units, options.k, job=job)
    confined = job.tier if job else ""
    if not outcome.selected and not outcome.faults:
        names = "\n".join(f"  {name}" for name in dict.fromkeys(session.names(units)))
        return _complain(f"no check matches -k {options.k!r}; the names that it takes words of are\n{names}", BAD_USAGE)
    results = outcome.results
    if options.k:
        results = [result for result in results if result.planned or result.checks]
    from grader.report.terminal import Terminal

    progress, unmoved = None, []
    if options.submission is None and not options.k and not outcome.faults:
        progress = Progress()
        unmoved = progress.remember_grades(list(zip(units, results, strict=True)), files, options.lang)
    named = {(unit.exercise.key, unit.language) for unit in unmoved}
    report = Terminal(options.color, options.submission, named, progress.languages if progress else ())
    report.show(results, outcome.faults, verbose=options.verbose)
    if confined:
        report.say(f" confined by {confined}")
    if progress and progress.note:
        report.say(f" {progress.note}")
    for writer in writers:
        try:
            writer(results, confined)
        except OSError as error:
            return _complain(f"the report cannot be written: {error}", BAD_USAGE)
    return exit_code(results, outcome.faults)


def exit_code(results: list[UnitResult], faults: list[str]) -> int:
    """The exit code for these results."""
    verdicts = [result.verdict for result in results]
    if faults or Verdict.ERROR in verdicts or not results:
        return KIT_FAULT
    if any(verdict not in (Verdict.PASS, Verdict.SKIP) for verdict in verdicts):
        return TO_REPAIR
    return PASSED if Verdict.PASS in verdicts else KIT_FAULT


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "grade": _grade_command,
    "verify": _verify,
    "new": _new,
    "hint": _hint,
    "reset": _reset,
    "diff": _diff,
    "explain": _explain,
    "doctor": _doctor,
    "trace": _trace,
    "run": _by_hand,
}
