"""The report in the terminal: the board, then the first failing check in full."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.text import Text

from grader.report.bytes import compared
from grader.report.code import code
from grader.report.page import INDENT, MARGIN, Page, indented, printable
from grader.report.reasons import by_reason
from grader.report.story import fitted
from grader.verdict.model import CheckResult, Diagnosis, Excerpt, Line, UnitResult, Verdict
from grader.verdict.words import counted

_STYLES = {
    Verdict.PASS: "green",
    Verdict.SKIP: "yellow",
    Verdict.ERROR: "magenta",
}
#: Lines of a transcript that are shown: the ones before the failure count.
_TRANSCRIPT = 7
_MESSAGES = 15
#: Where the program's side of a transcript begins; a peer's line may run past it.
_LEARNER_COLUMN = 16


class Terminal(Page):
    """Writes reports to standard output.

    Args:
        color: see `console_in`.
        submission: the folder that was graded, where it is not the project's own.
        unmoved: exercise and language of programs that were changed, and whose report
            is the same as before.
        languages: those that the learner works in: failures in the first come first.
    """

    def __init__(
        self,
        color: str = "auto",
        submission: Path | None = None,
        unmoved: Collection[tuple[str, str]] = (),
        languages: Sequence[str] = (),
    ) -> None:
        super().__init__(color)
        self._unmoved = unmoved
        self._languages = list(languages)
        self._submission = f" --submission {shlex.quote(str(submission))}" if submission else ""

    def show(self, results: list[UnitResult], faults: list[str], *, verbose: bool) -> None:
        """Write the whole report.

        Args:
            results: of all units, in order.
            faults: of the kit itself.
            verbose: every reason to fail in full instead of the first.
        """
        self._board(results)
        reasons = [reason for unit in sorted(results, key=self._turn) for reason in by_reason(unit.failures)]
        leading = [unit.first_failure for unit in results]
        for first, *others in reasons if verbose else reasons[:1]:
            self._failure(first, is_leading=first in leading)
            self._others(others, verbose)
            if first in leading:
                self._is_unmoved(first)
        self._warnings(results, verbose=verbose)
        self._skips(results)
        for fault in faults:
            self.say()
            self.say(" error  This is a fault of the kit or of a check, not of the program.", "magenta")
            self.say(indented(fault.strip().splitlines()))
        self._summary(results, reasons, verbose)

    def _turn(self, unit: UnitResult) -> int:
        """When a program's failures are told: those in the learner's language first."""
        return [*self._languages, unit.language].index(unit.language)

    # --- the board --------------------------------------------------------

    def _board(self, results: list[UnitResult]) -> None:
        languages = list(dict.fromkeys(unit.language for unit in results))
        rows: dict[str, dict[str, UnitResult]] = {}
        for unit in results:
            rows.setdefault(unit.exercise, {})[unit.language] = unit
        name_width = max(map(len, rows), default=0) + 2
        cell = max(map(len, [*languages, *map(_cell, results)]), default=0) + 2
        header = Text(" " + " " * name_width)
        for language in languages:
            header.append(f"{language:<{cell}}")
        self.say()
        self.print(header, "dim")
        for exercise, units in rows.items():
            line = Text(f" {exercise.replace('_', ' ', 1):<{name_width}}")
            for language in languages:
                unit = units.get(language)
                text = _cell(unit) if unit else ""
                line.append(f"{text:<{cell}}", _style(unit.verdict) if unit else "")
            self.print(line)

    # --- one failing check ------------------------------------------------

    def _failure(self, result: CheckResult, *, is_leading: bool) -> None:
        found = result.diagnosis
        number_slug = result.exercise.replace("_", " ", 1)
        self.say()
        heading = Text(f"{number_slug} · {result.language} · {result.title}", "bold")
        first, *rest = heading.wrap(self.console, self.width - INDENT)
        self.print(Text.assemble((f" {result.verdict:<5} ", _style(result.verdict)), first))
        for line in rest:
            self.print(Text.assemble(MARGIN, line))
        if found is None:
            return
        if found.gap:
            self.paragraph(f"{found.gap}: {found.title}", "yellow")
        place = "" if not found.places or str(found.places[0]) in found.sentence else f"{found.places[0]}: "
        self.paragraph(f"{place}{found.sentence}")
        if result.verdict is Verdict.ERROR:
            self.paragraph("This is a fault of the kit or of its check, not of the program.")
        if found.messages:
            limit = None if result.verdict is Verdict.ERROR else _MESSAGES
            self.say(indented(found.messages.splitlines()[:limit]), "dim")
        if found.excerpt and not found.messages:
            self.excerpt(found.excerpt)
        if found.transcript:
            check = "" if is_leading else f" --check {result.check.removeprefix('check_')}"
            whole = f"nox -s trace -- {result.exercise[3:]} --lang {result.language}{check}"
            self.transcript(found.transcript, "" if self._submission else whole)
        if found.difference is not None:
            self.say()
            for line in compared(found.difference, self.width - 8):
                self.say(f"{MARGIN}{line}")
        if result.output:
            self.say()
            self.say(f"{MARGIN}it printed")
            room = self.width - INDENT
            printed = [line if len(line) <= room else f"{line[: room - 3]}..." for line in result.output.splitlines()]
            self.say(indented(printed[:5]), "dim")
        self._reference(result, found)

    def _reference(self, result: CheckResult, found: Diagnosis) -> None:
        """What to read, and the command that runs just this again."""
        again = f"nox -s grade -- {result.exercise[3:]} --lang {result.language}{self._submission}"
        read = f"read  {found.read}" if found.read else ""
        room = self.width - INDENT - len("again  ") - len(again)
        self.say()
        if read and len(read) + 2 > room:
            self.say(f"{MARGIN}{read}")
            read = ""
        if read or room >= 0:
            self.say(f"{MARGIN}{read:<{max(0, room)}}again  {again}")
        else:
            self.say(f"{MARGIN}again  {again}")

    def _others(self, others: list[CheckResult], verbose: bool) -> None:
        """The checks that fail for the same reason as the one that was shown."""
        if not others:
            return
        self.say()
        checks = "1 more check fails" if len(others) == 1 else f"{len(others)} more checks fail"
        self.paragraph(f"{checks} for the same reason{':' * verbose}")
        for other in others if verbose else ():
            self.paragraph(other.title, first=f"{MARGIN}- ", margin=f"{MARGIN}  ")

    def _is_unmoved(self, failure: CheckResult) -> None:
        """Say that an attempt has changed nothing, and what helps."""
        if (failure.exercise, failure.language) not in self._unmoved:
            return
        self.say()
        self.paragraph("The file was changed, and this report is the same as the one before.")
        if failure.diagnosis and failure.diagnosis.gap:
            self.say(f"{MARGIN}For a hint:  nox -s hint -- {failure.exercise[3:]} --lang {failure.language}")

    def excerpt(self, excerpt: Excerpt) -> None:
        """The guilty line among its neighbours."""
        self.say()
        for line in code(excerpt, self.width - INDENT):
            self.say(f"{MARGIN}{printable(line)}")

    def transcript(self, story: tuple[Line, ...], whole: str = "") -> None:
        """Who did what, up to the failure.

        Args:
            whole: the command that shows all of it.
        """
        shown = story[-_TRANSCRIPT:]
        place = next((line.place for line in shown if line.place), None)
        self.say()
        self.say(f"{MARGIN}{'peer':<{_LEARNER_COLUMN}}learner{f', by line of {place.file}' if place else ''}", "dim")
        if len(shown) < len(story):
            self.say(f"{MARGIN}...{f' all of it:  {whole}' if whole else ''}", "dim")
        for line in shown:
            indent = INDENT + (0 if line.actor == "peer" else _LEARNER_COLUMN)
            for text in fitted(line, self.width - indent):
                self.say(f"{' ' * indent}{text}")
        if any(line.injected for line in shown):
            self.say(f"{MARGIN}* brought about by the grader; elsewhere it happens by itself", "dim")

    def _warnings(self, results: list[UnitResult], *, verbose: bool) -> None:
        """What the compiler said: of a program that passed only that it has said it."""
        for unit in results:
            if not unit.warnings or unit.verdict is Verdict.BUILD:
                continue
            self.say()
            if unit.verdict is Verdict.PASS and not verbose:
                self.say(f" The compiler warns of {unit.exercise}: add -v")
            else:
                self.say(f" The compiler warns of {unit.exercise}:")
                self.say(indented(unit.warnings.strip().splitlines()[:_MESSAGES]), "dim")

    # --- the end ----------------------------------------------------------

    def _skips(self, results: list[UnitResult]) -> None:
        reasons = {c.diagnosis.sentence: None for u in results for c in u.checks if c.verdict is Verdict.SKIP}
        for reason in reasons:
            self.say()
            self.paragraph(f"skip  {reason}", "yellow")

    def _summary(self, results: list[UnitResult], reasons: list[list[CheckResult]], verbose: bool) -> None:
        passed = sum(unit.verdict is Verdict.PASS for unit in results)
        parts = ["all passed" if passed == len(results) else f"{passed} of {counted(len(results), 'program')} passed"]
        judged = [unit for unit in results if unit.verdict not in (Verdict.SKIP, Verdict.ERROR)]
        if passed < len(judged):
            closed, gaps = (sum(map(len, each)) for each in zip(*((u.closed, u.gaps) for u in judged), strict=True))
            parts.append(f"{closed} of {counted(gaps, 'gap')} closed as far as the checks show")
        if (hidden := len(reasons) - 1) > 0 and not verbose:
            parts.append(f"{counted(hidden, 'more reason')} to fail: add -v")
        if not_run := sum(unit.not_run for unit in judged):
            hangs = any(check.verdict is Verdict.HANG for unit in judged for check in unit.failures)
            parts.append(f"{counted(not_run, 'check')} not run{' after a hang' * hangs}")
        self.say()
        line = ""
        for part in parts:
            if line and len(f"{line} · {part}") > self.width:
                self.say(line, "bold")
                line = ""
            line = f"{line} · {part}" if line else f" {part}"
        self.say(line, "bold")


def _style(verdict: Verdict) -> str:
    return _STYLES.get(verdict, "red")


def _cell(unit: UnitResult) -> str:
    failure = unit.first_failure
    if failure is None:
        return str(unit.verdict)
    gap = failure.diagnosis.gap if failure.diagnosis else ""
    return f"{failure.verdict} {gap}".strip()
