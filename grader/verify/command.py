"""``python -m grader verify``: prove the laws for all exercises, or those named."""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from grader.catalogue.exercises import LANGUAGES, Exercise, Gap, load_all, load_named
from grader.catalogue.gaps import write_stubs
from grader.plugin.session import processors
from grader.trial.torture import is_torture
from grader.verify import proof
from grader.verify.bench import KitFault
from grader.verify.board import Proofs
from grader.verify.lint import has_manual, lint
from grader.verify.model import Breach, Proof
from grader.verify.mutation.equivalents import made
from grader.verify.mutation.proof import standard

PASSED, BROKEN, KIT_FAULT = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("exercises", nargs="*", metavar="EXERCISE", help="04, send_all or 04_send_all; default: all")
    parser.add_argument("--lang", choices=LANGUAGES, help="prove only the programs in that language")
    parser.add_argument("--repeat", metavar="N", type=_count, default=2, help="compare N runs (law 5); default: 2")
    parser.add_argument(
        "--load", metavar="N", type=_count, default=0, help="run beside N processes that use the processor"
    )
    parser.add_argument(
        "--mutants", action="store_true", help="grade every standard mutant of every right program (law 7) instead"
    )
    parser.add_argument(
        "--sample", metavar="N", type=_count, help="with --mutants: N for each exercise and language, always the same"
    )
    parser.add_argument("--write", action="store_true", help="write the stubs anew from solutions and gaps.toml first")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour the report")


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Prove the laws; returns the exit code.

    Raises:
        ManifestError, UnknownExercise: an exercise cannot be read, or found.
    """
    every = load_all()
    exercises = load_named(options.exercises)
    broken = list(_broken_checks(exercises))
    exercises = [exercise for exercise in exercises if exercise.key not in {key for key, _ in broken}]
    report = Proofs(options.color)
    if options.write:
        for exercise in exercises:
            for path in write_stubs(exercise):
                report.say(f"wrote {path.relative_to(exercise.root)}")
    languages = (options.lang,) if options.lang else LANGUAGES
    proofs = {(e.key, language): Proof(e.key, language) for e in exercises for language in languages}
    breaches = [breach for _, breach in broken]
    faults: list[str] = []
    with _busy_neighbours(options.load), _pool() as pool:
        if options.mutants:
            tasks = dict(_submit_standard(pool, exercises, languages, options.sample))
        else:
            tasks = dict(_submit(pool, exercises, languages, every, options.repeat))
        for result in _results(tasks, report, faults):
            if isinstance(result, Proof):
                proofs[result.exercise, result.language].take(result)
            else:
                breaches += result
    for exercise in exercises if not (faults or options.mutants) else ():  # what was not run has revealed nothing
        revealed = set().union(*(proofs[exercise.key, language].revealed for language in languages))
        breaches += _law_4(exercise, languages, revealed)
    breaches += [breach for one in proofs.values() for breach in one.breaches]
    faults += [fault for one in proofs.values() for fault in one.faults]
    report.show(list(proofs.values()), sorted(breaches, key=lambda b: (b.subject[:2], b.law)), faults)
    if not has_manual():
        report.say(
            "The manual is not installed here, so that man pages were not looked up: apt install man-db manpages-dev"
        )
    if faults:
        return KIT_FAULT
    return BROKEN if breaches else PASSED


def _results(tasks: dict[Future, str], report: Proofs, faults: list[str]) -> Iterator[Proof | list[Breach]]:
    """What the tasks find, as they are done.

    Args:
        faults: takes what went wrong in the kit itself.
    """
    with report.progress(len(tasks)) as advance:
        for done in as_completed(tasks):
            what = tasks[done]
            try:
                yield done.result()
            except KitFault as fault:
                faults.append(f"{what}: {fault}")
            except Exception:
                faults.append(f"{what}: {traceback.format_exc()}")
            finally:
                advance(what)


def _broken_checks(exercises: list[Exercise]) -> Iterator[tuple[str, Breach]]:
    """Exercises whose check file cannot be imported: nothing can be proven of them."""
    for exercise in exercises:
        path = exercise.checks
        try:
            if path.is_file():
                _module(path)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            line = next((f":{frame.lineno}" for frame in frames if frame.filename == str(path)), "")
            sentence = f"it cannot be imported: {type(error).__name__}: {error}"
            subject, shown = exercise.label, f"{path.relative_to(exercise.root)}{line}"
            yield exercise.key, Breach(0, subject, shown, sentence, "mend it; nothing else was proven of this exercise")


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processors(), multiprocessing.get_context("fork"))


def _submit(
    pool: ProcessPoolExecutor, exercises: list[Exercise], languages: Sequence[str], every: list[Exercise], repeat: int
) -> Iterator[tuple[Future, str]]:
    """All tasks, the longest first."""
    for name, part in proof.PARTS.items():
        for exercise in exercises:
            for language in reversed(languages):  # C takes longer
                if exercise.solution(language).is_file():  # else said by lint
                    yield pool.submit(part, exercise, language, repeat), f"{exercise.key} {language} {name}"
    for exercise in exercises:
        yield pool.submit(lint, exercise, every), f"{exercise.key} files"


def _submit_standard(
    pool: ProcessPoolExecutor, exercises: list[Exercise], languages: Sequence[str], most: int | None
) -> Iterator[tuple[Future, str]]:
    """The standard mutants of each exercise and language, the most first."""
    pairs = [(exercise, language) for exercise in exercises for language in languages]
    for exercise, language in sorted(pairs, key=lambda pair: -len(made(*pair))):
        yield pool.submit(standard, exercise, language, most), f"{exercise.key} {language} standard mutants"


@contextmanager
def _busy_neighbours(count: int) -> Iterator[None]:
    """So many processes that do nothing but compute."""
    loops = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


# --- law 4 ----------------------------------------------------------------


def _law_4(exercise: Exercise, languages: Sequence[str], revealed: set[tuple[str, str]]) -> Iterable[Breach]:
    """No gap without a check, no check without a gap.

    Args:
        languages: those whose programs were proven.
        revealed: the check and the gap, for each gap that a check reported.
    """
    path = exercise.checks
    if not path.is_file():
        return  # said by lint
    subject, shown = exercise.label, str(path.relative_to(exercise.root))
    named: set[str] = set()
    for name, check in vars(_module(path)).items():
        if not name.startswith("check_") or not callable(check) or is_torture(check):
            continue
        if getattr(check, "language", languages[0]) not in languages:
            continue
        gaps = getattr(check, "gaps", ())
        named |= set(gaps)
        if not gaps:
            yield Breach(
                4, subject, shown, f"{name} reveals no gap",
                "name with @reveals the gaps that it brings to light, or leave the check out",
            )  # fmt: skip
        for gap in gaps:
            if gap not in exercise.gaps:
                yield Breach(4, subject, shown, f"{name} reveals {gap}, which is no gap", "see exercise.toml")
            elif (name, gap) not in revealed and _possible(exercise.gaps[gap], check) <= set(languages):
                yield Breach(
                    4, subject, shown, f"{name} says that it reveals {gap}; its mutant is not reported there as {gap}",
                    "leave the name out, or let the check see the gap",
                )  # fmt: skip
    proven = {gap.slug for language in languages for gap in exercise.gaps_of(language)}
    for gap in sorted(proven - named):
        manifest = f"exercises/{exercise.key}/exercise.toml"
        yield Breach(4, subject, manifest, f"no check reveals {gap}", "write one, and name the gap with @reveals")


def _possible(gap: Gap, check: Callable) -> set[str]:
    """The languages in which a check may have to do with a gap: it is enough
    that it reports the gap in one of them."""
    only = getattr(check, "language", None)
    return {language for language in gap.languages if only in (None, language)}


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"verify_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
