"""Law 7 for one exercise in one language: every standard mutant fails, or has
its reason."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from grader.catalogue.exercises import Exercise
from grader.verdict.model import CheckResult, UnitResult, Verdict
from grader.verify.bench import Bench
from grader.verify.model import Breach, Proof, Score
from grader.verify.mutation.equivalents import NAME, excused, made, programs
from grader.verify.mutation.meaning import meaning_in
from grader.verify.mutation.model import Mutant

#: So many are handed over at a time: while one is graded, others are built.
_BATCH = 40


def sampled(mutants: list[Mutant], most: int | None) -> list[Mutant]:
    """So many of the mutants at most, the same ones in every run."""
    if most is None or len(mutants) <= most:
        return mutants
    chosen = set(sorted(mutant.lot for mutant in mutants)[:most])
    return [mutant for mutant in mutants if mutant.lot in chosen]


def standard(exercise: Exercise, language: str, most: int | None) -> Proof:
    """Law 7: what comes of the standard mutants.

    Args:
        most: so many of them at most; None for all.
    """
    proof = Proof(exercise.key, language)
    proof.score = score = Score()
    mutants = list(_real(exercise, language, sampled(made(exercise, language), most), score))
    reasons, survivors = excused(exercise), []
    for start in range(0, len(mutants), _BATCH):
        for mutant, result in _graded(exercise, language, mutants[start : start + _BATCH], proof):
            failure, is_excused = result.first_failure, mutant.key in reasons
            if result.verdict is Verdict.ERROR:
                proof.faults.append(_fault(proof, mutant, failure))
            elif failure is not None and is_excused:
                proof.breaches.append(_is_told_apart(proof, mutant, failure))
            elif failure is not None:
                score.killed += 1
            elif is_excused:
                score.equivalent += 1
            else:
                survivors.append(mutant)
    proof.breaches += _survive(proof, survivors)
    return proof


def _real(exercise: Exercise, language: str, mutants: list[Mutant], score: Score) -> Iterator[Mutant]:
    """Those that build and mean something else than the program and one another."""
    meaning = meaning_in(exercise, language)
    seen = {meaning(path.read_text(encoding="utf-8")) for path in programs(exercise, language)}
    for mutant in mutants:
        means = meaning(mutant.text)
        if means is None:
            score.refused += 1
        elif means in seen:
            score.alike += 1
        else:
            seen.add(means)
            score.mutants += 1
            yield mutant


def _graded(
    exercise: Exercise, language: str, batch: list[Mutant], proof: Proof
) -> Iterator[tuple[Mutant, UnitResult]]:
    texts = {f"mutant-{number}": mutant.text for number, mutant in enumerate(batch)}
    with Bench(exercise, language) as bench:
        outcome = bench.run(texts, until="first")
    proof.faults += outcome.faults
    yield from zip(batch, outcome.results, strict=True)


def _subject(proof: Proof, program: str) -> str:
    return f"{proof.exercise.replace('_', ' ', 1)} · {proof.language} · {program}"


def _fault(proof: Proof, mutant: Mutant, failure: CheckResult | None) -> str:
    """The kit itself failed on a mutant, which is then neither told nor missed."""
    what = f"{failure.check}: {failure.diagnosis.messages}" if failure else "a check came to no verdict"
    return "\n".join((f"{_subject(proof, mutant.program)}:{mutant.number}", *_difference(mutant), what))


def _survive(proof: Proof, survivors: list[Mutant]) -> Iterator[Breach]:
    """A breach for each program that has mutants which pass."""
    for program, mutants in itertools.groupby(survivors, lambda mutant: mutant.program):
        lines = [f"{mutant.number:>4}  {line}" for mutant in mutants for line in _difference(mutant)]
        yield Breach(
            7, _subject(proof, program), f"solutions/{proof.exercise}/{program}",
            f"it passes every check when one of these lines is changed ({len(lines) // 2})",
            f"let a check see the change; or say in {NAME} why no peer can", "\n".join(lines),
        )  # fmt: skip


def _is_told_apart(proof: Proof, mutant: Mutant, failure: CheckResult) -> Breach:
    return Breach(
        7, _subject(proof, f"{mutant.program}:{mutant.number}"), f"solutions/{proof.exercise}/{NAME}",
        f"it says that no peer can tell this mutant; {failure.check} does",
        "leave the entry out", "\n".join(_difference(mutant)),
    )  # fmt: skip


def _difference(mutant: Mutant) -> tuple[str, str]:
    return f"- {mutant.line}", f"+ {mutant.becomes}"
