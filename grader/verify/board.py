"""What ``verify`` prints: progress, the table of proofs, the broken laws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from grader.report.console import WIDTH, console_in
from grader.verify.model import LAWS, Breach, Proof, Score

_MARGIN = " " * 7
#: Lines of a diff or a story that are shown.
_DETAIL = 16
#: Characters of such a line.
_LONGEST = 160


class Proofs:
    """Writes to standard output.

    Args:
        color: see `console_in`.
    """

    def __init__(self, color: str = "auto") -> None:
        self._console = console_in(color)
        if not self._console.is_terminal:
            self._console = Console(width=WIDTH, highlight=False, soft_wrap=True, no_color=color == "never")

    def say(self, text: str) -> None:
        self._console.print(Text(f" {text}"))

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[[str], None]]:
        """A bar while tasks are done, on a terminal; yields what moves it on."""
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal) as bar:
            task = bar.add_task("", total=total)
            yield lambda what: bar.update(task, advance=1, description=what)

    def show(self, proofs: list[Proof], breaches: list[Breach], faults: list[str]) -> None:
        """The table, each broken law in full, and one line that says it all."""
        self._console.print()
        scored = [proof for proof in proofs if proof.score]
        self._console.print(_score_table(scored) if scored else _proof_table(proofs))
        for breach in breaches:
            self._breach(breach)
        for fault in faults:
            self._console.print()
            self._console.print(Text(" error  This is a fault of the kit or of a check, not of a program.", "magenta"))
            self._console.print(Text("\n".join(_MARGIN + line for line in fault.strip().splitlines())))
        count = len({proof.exercise for proof in proofs})
        broken = f"{len(breaches)} broken" if breaches else "every law holds"
        if faults:
            broken = f"not all was proven, for the kit failed ({len(faults)})"
        self._console.print()
        self._console.print(Text(f" {count} exercise{'s' * (count != 1)} · {broken}", "bold"))

    def _breach(self, breach: Breach) -> None:
        self._console.print()
        law = "files" if breach.law == 0 else f"law {breach.law}"
        self._console.print(Text.assemble((f" {law:<6}", "red"), (breach.subject, "bold")))
        self._paragraph(LAWS[breach.law], "yellow")
        self._paragraph(f"{breach.path}: {breach.sentence}")
        lines = breach.detail.splitlines()
        most = len(lines) if breach.law == 7 else _DETAIL  # of survivors each one counts
        for line in lines[:most]:
            shown = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
            self._console.print(Text(f"{_MARGIN}  {shown}", "dim"))
        if len(lines) > most:
            self._console.print(Text(f"{_MARGIN}  ... {len(lines) - most} more lines", "dim"))
        self._paragraph(f"do  {breach.advice}")

    def _paragraph(self, text: str, style: str = "") -> None:
        for line in Text(text).wrap(self._console, WIDTH - len(_MARGIN)):
            self._console.print(Text(f"{_MARGIN}{line.plain.rstrip()}", style))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1), collapse_padding=True)
    for name in ("exercise", ""):
        table.add_column(name, no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _programs(proofs: list[Proof]) -> Iterator[tuple[str, str]]:
    """How the rows of a table begin: an exercise is named once."""
    last = ""
    for proof in proofs:
        name = proof.exercise.replace("_", " ", 1) if proof.exercise != last else ""
        yield name, {"python": "py"}.get(proof.language, proof.language)
        last = proof.exercise


def _proof_table(proofs: list[Proof]) -> Table:
    table = _table("checks", "accepted", "stub", "mutants", "cases", "runs")
    for begins, proof in zip(_programs(proofs), proofs, strict=True):
        table.add_row(
            *begins,
            _share(proof.solution),
            _share(proof.accepted),
            Text.assemble(f"{proof.distance} lines ", _share(proof.closed)),
            _share(proof.mutants),
            str(proof.cases),
            str(proof.repetitions),
        )
    return table


def _score_table(proofs: list[Proof]) -> Table:
    """What came of the standard mutants; further texts are none, because they
    do not build or mean the same as another one."""
    table = _table("mutants", "fail", "equivalent", "unbuilt", "alike")
    rows = [(*begins, proof.score) for begins, proof in zip(_programs(proofs), proofs, strict=True)]
    if len(rows) > 1:
        rows.append(("all", "", sum((proof.score for proof in proofs), Score())))
    for name, language, score in rows:
        accounted = score.killed + score.equivalent == score.mutants
        fail = Text(str(score.killed), "green" if accounted else "red")
        table.add_row(
            name, language, str(score.mutants), fail, str(score.equivalent), str(score.refused), str(score.alike)
        )
    return table


def _share(pair: tuple[int, int]) -> Text:
    some, all_ = pair
    return Text(f"{some}/{all_}", "green" if some == all_ else "red")
