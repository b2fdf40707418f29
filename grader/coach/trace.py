"""``python -m grader trace EXERCISE``: all that a program and its peers have said to each other."""

from __future__ import annotations

import argparse
import difflib

from rich.text import Text

from grader.catalogue.unit import Unit
from grader.coach import choice
from grader.coach.choice import BadUsage
from grader.coach.progress import Progress
from grader.plugin import session
from grader.report.conversation import columns, plain
from grader.report.page import INDENT, MARGIN, Page, indented, printable
from grader.verdict.model import WAITS, CheckResult, Told, UnitResult, Verdict

SHOWN, NOT_SHOWN, KIT_FAULT = 0, 1, 2
#: Columns of a conversation at the most.
_WIDEST = 160
_PREFIX = "check_"
#: Lines of what the program printed.
_PRINTED = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    choice.add_arguments(parser)
    parser.add_argument(
        "--check", metavar="NAME", help="that check, or the one with NAME in its name; default: the first that fails"
    )
    parser.add_argument("--plain", action="store_true", help="the program's calls alone, one a line, as strace does")


def run(options: argparse.Namespace) -> int:
    """Play a check, and show what was said in it; returns the exit code.

    Raises:
        BadUsage, UnknownExercise: what is meant is not clear, or there is none to ask.
    """
    unit = choice.unit(options, Progress(), "trace")
    name = _meant(unit, options.check) if options.check is not None else ""
    page = _Trace(unit, options.color)
    outcome = session.run_here(
        [unit], name, places=session.processors(), until="end" if name else "first", stories=True
    )
    result = outcome.results[0]
    if outcome.faults or result.verdict is Verdict.ERROR:
        page.cannot_tell(result, outcome.faults)
        return KIT_FAULT
    check = _shown(result, name)
    if check is None or check.verdict is Verdict.SKIP:
        page.cannot_play(unit, check)
        return KIT_FAULT
    story = check.story or tuple(map(Told, check.diagnosis.transcript if check.diagnosis else ()))
    if options.plain and story:
        page.plain(story)
    else:
        page.conversation(check, story)
    return SHOWN if story else NOT_SHOWN


def _shown(result: UnitResult, name: str) -> CheckResult | None:
    if name:
        return next((check for check in result.checks if check.check == name), None)
    passed = (check for check in result.checks if check.verdict is Verdict.PASS)
    return result.first_failure or next(passed, None) or next(iter(result.checks), None)


def _meant(unit: Unit, words: str) -> str:
    """The name of the check that is meant.

    Raises:
        BadUsage: there is none, or there are several.
    """
    names = session.names([unit])
    wanted = words.strip().removeprefix(_PREFIX).replace("-", "_").replace(" ", "_").lower()
    found = [wanted] if wanted in names else [name for name in names if wanted and wanted in name]
    if len(found) == 1:
        return f"{_PREFIX}{found[0]}"
    if found:
        listed = "\n".join(f"  {name}" for name in found)
        raise BadUsage(f"--check {words} is in the names of {len(found)} checks of {unit.exercise.label}:\n{listed}")
    near = difflib.get_close_matches(wanted, names, n=1)
    if near:
        raise BadUsage(f"{unit.exercise.label} has no check {words!r}; did you mean {near[0]}?")
    listed = "\n".join(f"  {name}" for name in names)
    raise BadUsage(f"{unit.exercise.label} has no check {words!r}; it has\n{listed}")


class _Trace(Page):
    """What the command shows, of one program."""

    def __init__(self, unit: Unit, color: str) -> None:
        super().__init__(color)
        if self.console.is_terminal:
            self.width = max(60, min(self.console.width, _WIDEST))
        self._program = f"{unit.exercise.label} · {unit.language}"
        self._arguments = f"{unit.exercise.slug} --lang {unit.language}"

    def conversation(self, check: CheckResult, story: tuple[Told, ...]) -> None:
        """What came of a check, and what was said in it."""
        self._heading(str(check.verdict), f"{self._program} · {check.title}")
        found = check.diagnosis
        if found is not None:
            place = "" if not found.places or str(found.places[0]) in found.sentence else f"{found.places[0]}: "
            self.paragraph(f"{f'{found.gap}: ' if found.gap else ''}{place}{found.sentence}")
            if found.messages and not story:
                self.say(indented(found.messages.splitlines()[:15]))
        self.say()
        if not story:
            self.paragraph("Nothing was said: no function of the program was called.")
        if story and not check.story:
            self.paragraph(f"Of the {check.cases} runs of this check the one that failed:")
        for number, (left, right) in enumerate(columns(story, self.width - 2) if story else ()):
            line = Text(f" {printable(left)}{printable(right)}")
            self.print(line, "bold" if number == 0 else "")
        self._legend(story)
        if check.output:
            self.say()
            self.say(f"{MARGIN}it printed")
            self.say(indented(check.output.splitlines()[:_PRINTED]))
        self.say()
        self.say(f"{MARGIN}again  nox -s trace -- {self._arguments} --check {check.check.removeprefix(_PREFIX)}")
        if check.verdict is not Verdict.PASS:
            self.say(f"{MARGIN}grade  nox -s grade -- {self._arguments}")

    def plain(self, story: tuple[Told, ...]) -> None:
        """The program's calls alone."""
        for line in plain(story):
            self.say(printable(line))

    def cannot_play(self, unit: Unit, check: CheckResult | None) -> None:
        """The check cannot be run on this machine, or not in this language."""
        reason = check.diagnosis.sentence if check and check.diagnosis else f"it is not a check of {unit.language}"
        self._heading("skip", f"{self._program} · it cannot be run here")
        self.paragraph(reason)

    def cannot_tell(self, result: UnitResult, faults: list[str]) -> None:
        """The kit itself is at fault."""
        self._heading("error", f"{self._program} · this is a fault of the kit, not of the program")
        if result.first_failure and result.first_failure.diagnosis:
            self.paragraph(result.first_failure.diagnosis.sentence)
        for fault in faults:
            self.say(indented(fault.strip().splitlines()))

    def _legend(self, story: tuple[Told, ...]) -> None:
        """The sign and the word that not everybody knows, where they were used."""
        notes = []
        if any(told.line.injected for told in story):
            notes.append("* brought about by the grader; elsewhere it happens by itself")
        if any(told.line.result == WAITS for told in story):
            notes.append("waits: the call sleeps until what stands below it on the right has come about")
        if notes:
            self.say()
        for note in notes:
            self.paragraph(note)

    def _heading(self, word: str, text: str) -> None:
        self.say()
        self.paragraph(text, "bold", first=f" {word:<{INDENT - 1}}")
