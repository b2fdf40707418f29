"""``python -m grader hint EXERCISE``: the next hint of the gap that fails now."""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.catalogue.exercises import Gap
from grader.catalogue.unit import Unit
from grader.coach import choice
from grader.coach.progress import Progress
from grader.plugin import session
from grader.report.page import INDENT, MARGIN, Page, indented
from grader.verdict.model import CheckResult, UnitResult, Verdict

SHOWN, NO_MORE, KIT_FAULT = 0, 1, 2

add_arguments = choice.add_arguments


def run(options: argparse.Namespace) -> int:
    """Show the hint; returns the exit code.

    Raises:
        BadUsage, UnknownExercise: the exercise is not named, or not found.
    """
    progress = Progress()
    unit = choice.unit(options, progress, "hint")
    outcome = session.run_here([unit], places=session.processors(), until="first")
    page = _Hint(unit, options.color)
    result = outcome.results[0]
    if outcome.faults or result.verdict is Verdict.ERROR:
        page.cannot_tell(result, outcome.faults)
        return KIT_FAULT
    if result.verdict is Verdict.SKIP:
        page.cannot_judge(result)
        return KIT_FAULT
    failure = result.first_failure
    if failure is None:
        page.nothing_fails()
        return SHOWN
    gap = unit.exercise.gaps.get(failure.diagnosis.gap) if failure.diagnosis else None
    if gap is None:
        page.no_gap(failure)
        return NO_MORE
    shown = progress.hints(unit, gap.slug)
    if shown >= len(gap.hints):
        page.no_more(gap)
        return NO_MORE
    page.hint(gap, shown)
    progress.remember_hint(unit, gap.slug, shown + 1, is_chosen=options.lang is not None)
    for note in filter(None, (progress.note, progress.unwritten)):
        page.say()
        page.paragraph(note)
    return SHOWN


class _Hint(Page):
    """What the command shows, of one program."""

    def __init__(self, unit: Unit, color: str) -> None:
        super().__init__(color)
        self._exercise = unit.exercise
        self._is_there = unit.path.exists()
        self._program = f"{unit.exercise.label} · {unit.language}"
        self._arguments = f"{unit.exercise.slug} --lang {unit.language}"
        self._readme = _shown(unit.exercise.root / "exercises" / unit.exercise.key / "README.md")

    def hint(self, gap: Gap, shown: int) -> None:
        """The next hint of a gap of which so many were shown."""
        number, count = shown + 1, len(gap.hints)
        self._heading("hint", f"{self._program} · {number} of {count}")
        self.paragraph(f"{gap.slug}: {gap.sentence}")
        self.say()
        self.paragraph(gap.hints[shown], "bold")
        self._further(
            ("read", gap.read[0]),
            ("next", f"nox -s hint -- {self._arguments}" if number < count else ""),
            ("grade", f"nox -s grade -- {self._arguments}"),
        )

    def no_more(self, gap: Gap) -> None:
        """All were shown: once more, and what else there is to do."""
        self._heading("hint", f"{self._program} · all {len(gap.hints)} were shown")
        self.paragraph(f"{gap.slug}: {gap.sentence}")
        self.say()
        for number, hint in enumerate(gap.hints, 1):
            self.paragraph(hint, first=f"{MARGIN}{number}  ", margin=f"{MARGIN}   ")
        self.say()
        self.paragraph("There are no more. What else shows where it goes wrong:")
        self._further(
            ("see", f"nox -s explain -- {gap.slug}"),
            ("", f"nox -s grade -- {self._arguments} -v"),
            *(("read", page) for page in gap.read),
            ("readme", self._readme),
        )

    def no_gap(self, failure: CheckResult) -> None:
        """What fails first has no hints."""
        found = failure.diagnosis
        self._heading(str(failure.verdict), f"{self._program} · {failure.title}")
        if found is not None:
            self.paragraph(found.sentence)
        self.say()
        self.paragraph(
            "There is no hint for this: it is not one of the gaps that the exercise was handed out with. "
            + _WHAT_HELPS.get(failure.verdict, "The contract in its README says what is asked of the program.")
        )
        self._further(
            ("back", "" if self._is_there else f"nox -s reset -- {self._arguments}"),
            ("read", found.read if found else ""),
            ("readme", self._readme),
            ("see", f"nox -s grade -- {self._arguments}"),
        )

    def nothing_fails(self) -> None:
        """Every check passes."""
        self._heading("pass", f"{self._program} · every check passes, and no hint is needed")

    def cannot_judge(self, result: UnitResult) -> None:
        """No check could be run on this machine."""
        self._heading("skip", f"{self._program} · it cannot be judged here, so that no gap is known")
        reasons = {check.diagnosis.sentence: None for check in result.checks if check.diagnosis}
        for reason in reasons:
            self.paragraph(reason)

    def cannot_tell(self, result: UnitResult, faults: list[str]) -> None:
        """The kit itself is at fault."""
        self._heading("error", f"{self._program} · this is a fault of the kit, not of the program")
        if result.first_failure and result.first_failure.diagnosis:
            self.paragraph(result.first_failure.diagnosis.sentence)
        for fault in faults:
            self.say(indented(fault.strip().splitlines()))

    def _heading(self, word: str, text: str) -> None:
        self.say()
        self.paragraph(text, "bold", first=f" {word:<{INDENT - 1}}")

    def _further(self, *entries: tuple[str, str]) -> None:
        self.say()
        for word, text in entries:
            if text:
                self.say(f"{MARGIN}{word:<7}{text}")


#: Verdict -> what to look at, where no gap is named.
_WHAT_HELPS = {
    Verdict.BUILD: "The words of the compiler, or of Python, say where: `grade` shows them.",
    Verdict.CRASH: "The report of `grade` shows the line, and the values there.",
    Verdict.HANG: "The report of `grade` shows the call it waits in, and who waits for whom.",
}


def _shown(path: Path) -> str:
    """A path as the person would type it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
