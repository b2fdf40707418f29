"""``python -m grader diff EXERCISE``: the reference beside one's own file, after a pass."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator

from grader.catalogue.gaps import Gaps
from grader.catalogue.unit import Unit
from grader.coach import choice
from grader.coach.ask import agreed
from grader.coach.progress import Progress
from grader.plugin import session
from grader.report.page import INDENT, MARGIN, Page, indented, printable
from grader.verdict.model import UnitResult, Verdict

SHOWN, NOT_SHOWN, KIT_FAULT = 0, 1, 2
#: Lines around a difference.
_AROUND = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    choice.add_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="show it before the exercise passes, without being asked")


def run(options: argparse.Namespace) -> int:
    """Show the difference; returns the exit code.

    Raises:
        BadUsage, UnknownExercise: what is meant is not clear, or there is none to ask.
    """
    unit = choice.unit(options, Progress(), "diff")
    page = _Difference(unit, options.color)
    if not unit.exercise.solution(unit.language).exists():
        page.no_solution()
        return NOT_SHOWN
    try:
        own = unit.path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        page.no_file(error.strerror or "it cannot be read")
        return NOT_SHOWN
    if not options.yes:
        outcome = session.run_here([unit], places=session.processors(), until="first")
        result = outcome.results[0]
        if outcome.faults or result.verdict is Verdict.ERROR:
            page.cannot_tell(outcome.faults)
            return KIT_FAULT
        if result.verdict is not Verdict.PASS and not agreed(page, page.question(result), is_given=False):
            page.say(f"{MARGIN}nox -s hint -- {unit.exercise.slug} --lang {unit.language} shows less.")
            return NOT_SHOWN
    page.difference(own, unit.exercise.solution(unit.language).read_text(encoding="utf-8"))
    page.others()
    page.gaps()
    return SHOWN


class _Difference(Page):
    """What the command shows, of one program."""

    def __init__(self, unit: Unit, color: str) -> None:
        super().__init__(color)
        self._exercise, self._language, self._path = unit.exercise, unit.language, unit.path
        self._program = f"{unit.exercise.label} · {unit.language}"

    def question(self, result: UnitResult) -> str:
        """What is asked before a pass."""
        failure = result.first_failure
        gap = f" {failure.diagnosis.gap}" if failure and failure.diagnosis and failure.diagnosis.gap else ""
        return f"{self._program} does not pass yet ({result.verdict}{gap}). Show the reference all the same?"

    def no_solution(self) -> None:
        """A class is not handed the solutions."""
        self._heading("diff", f"{self._program} · the reference is not here")
        self.paragraph(
            "This copy of the kit has no solutions/: whoever has handed it out has them. The gaps are explained "
            "without them: nox -s explain -- NAME"
        )

    def no_file(self, why: str) -> None:
        """There is nothing to compare."""
        name = self._path.relative_to(self._exercise.root)
        self._heading("diff", f"{name}: {why}")
        self.paragraph(f"nox -s reset -- {self._exercise.slug} --lang {self._language} puts the stub back")

    def cannot_tell(self, faults: list[str]) -> None:
        """The kit itself is at fault."""
        self._heading("error", f"{self._program} · this is a fault of the kit, not of the program")
        for fault in faults:
            self.say(indented(fault.strip().splitlines()))

    def difference(self, own: str, reference: str) -> None:
        """Where the two part."""
        file = self._exercise.solution(self._language).relative_to(self._exercise.root)
        self._heading("diff", f"{self._program} · {file}")
        if own == reference:
            self.paragraph("The file is the reference itself.")
            return
        self.say(f"{MARGIN}-  {self._path.relative_to(self._exercise.root)}")
        self.say(f"{MARGIN}+  {file}, which is one right answer of many")
        for sign, number, line in _lines(own.splitlines(), reference.splitlines()):
            style = {"-": "red", "+": "green"}.get(sign, "")
            self.say(f" {sign} {number:>4} {printable(line)}".rstrip(), style)

    def others(self) -> None:
        """Other right answers that the kit has."""
        folder = self._exercise.solution(self._language).parent / "accepted"
        ending = self._exercise.file_name(self._language).rpartition(".")[2]
        files = sorted(folder.glob(f"*.{ending}")) if folder.is_dir() else []
        if files:
            self._heading("other", f"{self._program} · right as well")
            for path in files:
                self.say(f"{MARGIN}{path.relative_to(self._exercise.root)}")

    def gaps(self) -> None:
        """Why each gap mattered."""
        self._heading("why", f"{self._program} · what each gap was about")
        edits = Gaps(self._exercise)
        for gap in self._exercise.gaps_of(self._language):
            lines = ", ".join(map(str, edits.lines(self._language, gap.slug)))
            self.say()
            self.paragraph(f"{gap.slug} (reference, line {lines}): {gap.sentence}")
            for hint in gap.hints[1:2]:  # the first is a question, the last the repair that stands above
                self.paragraph(hint)

    def _heading(self, word: str, text: str) -> None:
        self.say()
        self.paragraph(text, "bold", first=f" {word:<{INDENT - 1}}")


def _lines(own: list[str], reference: list[str]) -> Iterator[tuple[str, str, str]]:
    """Sign, line number and text; between two places that differ an empty line."""
    for group in difflib.SequenceMatcher(None, own, reference, autojunk=False).get_grouped_opcodes(_AROUND):
        yield "", "", ""
        for tag, a, b, c, d in group:
            if tag == "equal":
                yield from ((" ", str(i + 1), own[i]) for i in range(a, b))
                continue
            yield from (("-", str(i + 1), own[i]) for i in range(a, b))
            yield from (("+", str(i + 1), reference[i]) for i in range(c, d))
