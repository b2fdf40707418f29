"""The report in the terminal: the board, then the first failing check in full."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.text import Text

from grader.report.bytes import compared
from grader.report.code import code
from grader.report.console import WIDTH, console_in
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
_INDENT = 7
_MARGIN = " " * _INDENT


class Terminal:
    """Writes reports to standard output.

    Args:
        color: see `console_in`.
        submission: the folder that was graded, where it is not the project's own.
    """

    def __init__(self, color: str = "auto", submission: Path | None = None) -> None:
        self._submission = f" --submission {shlex.quote(str(submission))}" if submission else ""
        self._console = console_in(color)
        self._width = max(60, min(self._console.width, 100)) if self._console.is_terminal else WIDTH

    def show(self, results: list[UnitResult], faults: list[str], *, verbose: bool) -> None:
        """Write the whole report.

        Args:
            results: of all units, in order.
            faults: of the kit itself.
            verbose: every failing check in full instead of the first.
        """
        self._board(results)
        failures = [failure for unit in results for failure in unit.failures]
        for failure in failures if verbose else failures[:1]:
            self._failure(failure)
        self._warnings(results, verbose=verbose)
        self._skips(results)
        for fault in faults:
            self._say()
            self._say(" error  This is a fault of the kit or of a check, not of the program.", "magenta")
            self._say(_indented(fault.strip().splitlines()))
        self._summary(results, failures, verbose)

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
        self._say()
        self._print(header, "dim")
        for exercise, units in rows.items():
            line = Text(f" {exercise.replace('_', ' ', 1):<{name_width}}")
            for language in languages:
                unit = units.get(language)
                text = _cell(unit) if unit else ""
                line.append(f"{text:<{cell}}", _style(unit.verdict) if unit else "")
            self._print(line)

    # --- one failing check ------------------------------------------------

    def _failure(self, result: CheckResult) -> None:
        found = result.diagnosis
        number_slug = result.exercise.replace("_", " ", 1)
        self._say()
        heading = Text(f"{number_slug} · {result.language} · {result.title}", "bold")
        first, *rest = heading.wrap(self._console, self._width - _INDENT)
        self._print(Text.assemble((f" {result.verdict:<5} ", _style(result.verdict)), first))
        for line in rest:
            self._print(Text.assemble(_MARGIN, line))
        if found is None:
            return
        if found.gap:
            self._paragraph(f"{found.gap}: {found.title}", "yellow")
        place = "" if not found.places or str(found.places[0]) in found.sentence else f"{found.places[0]}: "
        self._paragraph(f"{place}{found.sentence}")
        if result.verdict is Verdict.ERROR:
            self._paragraph("This is a fault of the kit or of its check, not of the program.")
        if found.messages:
            limit = None if result.verdict is Verdict.ERROR else _MESSAGES
            self._say(_indented(found.messages.splitlines()[:limit]), "dim")
        if found.excerpt and not found.messages:
            self._excerpt(found.excerpt)
        if found.transcript:
            self._transcript(found.transcript)
        if found.difference is not None:
            self._say()
            for line in compared(found.difference, self._width - 8):
                self._say(f"{_MARGIN}{line}")
        if result.output:
            self._say()
            self._say(f"{_MARGIN}it printed")
            room = self._width - _INDENT
            printed = [line if len(line) <= room else f"{line[: room - 3]}..." for line in result.output.splitlines()]
            self._say(_indented(printed[:5]), "dim")
        self._reference(result, found)

    def _reference(self, result: CheckResult, found: Diagnosis) -> None:
        """What to read, and the command that runs just this again."""
        again = f"nox -s grade -- {result.exercise[3:]} --lang {result.language}{self._submission}"
        read = f"read  {found.read}" if found.read else ""
        room = self._width - _INDENT - len("again  ") - len(again)
        self._say()
        if len(read) + 2 > room:
            self._say(f"{_MARGIN}{read}")
            read = ""
        if read or room >= 0:
            self._say(f"{_MARGIN}{read:<{max(0, room)}}again  {again}")
        else:
            self._say(f"{_MARGIN}again  {again}")

    def _excerpt(self, excerpt: Excerpt) -> None:
        self._say()
        for line in code(excerpt, self._width - _INDENT):
            self._say(f"{_MARGIN}{_printable(line)}")

    def _transcript(self, story: tuple[Line, ...]) -> None:
        shown = story[-_TRANSCRIPT:]
        place = next((line.place for line in shown if line.place), None)
        self._say()
        self._say(f"{_MARGIN}{'peer':<{_LEARNER_COLUMN}}learner{f', by line of {place.file}' if place else ''}", "dim")
        if len(shown) < len(story):
            self._say(f"{_MARGIN}...", "dim")
        for line in shown:
            indent = _INDENT + (0 if line.actor == "peer" else _LEARNER_COLUMN)
            for text in fitted(line, self._width - indent):
                self._say(f"{' ' * indent}{text}")
        if any(line.injected for line in shown):
            self._say(f"{_MARGIN}* brought about by the grader; elsewhere it happens by itself", "dim")

    def _warnings(self, results: list[UnitResult], *, verbose: bool) -> None:
        """What the compiler said: of a program that passed only that it has said it."""
        for unit in results:
            if not unit.warnings or unit.verdict is Verdict.BUILD:
                continue
            self._say()
            if unit.verdict is Verdict.PASS and not verbose:
                self._say(f" The compiler warns of {unit.exercise}: add -v")
            else:
                self._say(f" The compiler warns of {unit.exercise}:")
                self._say(_indented(unit.warnings.strip().splitlines()[:_MESSAGES]), "dim")

    # --- the end ----------------------------------------------------------

    def _skips(self, results: list[UnitResult]) -> None:
        reasons = {c.diagnosis.sentence: None for u in results for c in u.checks if c.verdict is Verdict.SKIP}
        for reason in reasons:
            self._say()
            self._paragraph(f"skip  {reason}", "yellow")

    def _summary(self, results: list[UnitResult], failures: list[CheckResult], verbose: bool) -> None:
        passed = sum(unit.verdict is Verdict.PASS for unit in results)
        hidden = 0 if verbose else max(0, len(failures) - 1)
        more = f" · {hidden} more failing check{'s' * (hidden != 1)}: add -v" if hidden else ""
        if verbose and any(failure.verdict is Verdict.HANG for failure in failures):
            more += " · after a hang no more checks are run"
        self._say()
        total = "all passed" if passed == len(results) else f"{passed} of {counted(len(results), 'program')} passed"
        self._say(f" {total}{more}", "bold")

    def _paragraph(self, text: str, style: str = "") -> None:
        for line in Text(_printable(text)).wrap(self._console, self._width - _INDENT - 1):
            self._say(f"{_MARGIN}{line.plain.rstrip()}", style)

    def _say(self, text: str = "", style: str = "") -> None:
        self._print(Text(text), style)

    def _print(self, text: Text, style: str = "") -> None:
        if style:
            text.stylize(style)
        text.rstrip()
        self._console.print(text, soft_wrap=True)


def _style(verdict: Verdict) -> str:
    return _STYLES.get(verdict, "red")


def _cell(unit: UnitResult) -> str:
    failure = unit.first_failure
    if failure is None:
        return str(unit.verdict)
    gap = failure.diagnosis.gap if failure.diagnosis else ""
    return f"{failure.verdict} {gap}".strip()


def _indented(lines: list[str]) -> str:
    return "\n".join(f"{_MARGIN}{_printable(line)}" for line in lines)


def _printable(text: str) -> str:
    """Without control characters: a program's output does not steer the terminal."""
    return "".join(c if c.isprintable() else "?" if c != "\t" else "    " for c in text)
