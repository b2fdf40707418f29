"""Laws 1 to 6 for one exercise in one language, in parts that can run at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

from grader.catalogue.exercises import Exercise, ManifestError
from grader.catalogue.gaps import Gaps
from grader.report.export import as_text
from grader.verdict.model import CheckResult, UnitResult, Verdict
from grader.verify.bench import Bench
from grader.verify.model import Breach, Proof

#: How many lines a stub may differ from its solution: people repair programs here.
MOST_CHANGED_LINES = 25
#: How many other right answers an exercise has at least, in each language.
LEAST_ACCEPTED = 2
#: So many repetitions are made without being asked for.
_QUICK = 2


class _Subject:
    """One exercise in one language, and the proof about it."""

    def __init__(self, exercise: Exercise, language: str) -> None:
        self.exercise, self.language = exercise, language
        self.proof = Proof(exercise.key, language)
        self.gaps = Gaps(exercise)
        self.slugs = [gap.slug for gap in exercise.gaps_of(language)]
        self.solution = exercise.solution(language).read_text(encoding="utf-8")

    def breach(self, law: int, what: str, path: Path, sentence: str, advice: str, detail: str = "") -> None:
        subject = f"{self.exercise.label} · {self.language} · {what}"
        shown = path.relative_to(self.exercise.root) if path.is_relative_to(self.exercise.root) else path
        self.proof.breaches.append(Breach(law, subject, str(shown), sentence, advice, detail))

    @property
    def edits(self) -> Path:
        return self.exercise.root / "solutions" / self.exercise.key / "gaps.toml"


def solutions(exercise: Exercise, language: str, _repeat: int) -> Proof:
    """Laws 1 and 6: right answers pass, and survive every failing call."""
    subject = _Subject(exercise, language)
    files = accepted_files(exercise, language)
    if len(files) < LEAST_ACCEPTED:
        subject.breach(
            1,
            "accepted variants",
            exercise.solution(language).parent / "accepted",
            f"there are {len(files)}, and {LEAST_ACCEPTED} are the least",
            "write other right answers in other styles, so that checks judge behaviour and not our way of writing",
        )
    programs = {"solution": subject.solution}
    programs |= {f"accepted-{file.stem}": file.read_text(encoding="utf-8") for file in files}
    with Bench(exercise, language) as bench:
        results = bench.grade(programs)
    paths = dict(zip(programs, [exercise.solution(language), *files], strict=True))
    for name, result in results.items():
        _must_pass(subject, name.replace("-", " ", 1), paths[name], result)
    solution = results.pop("solution")
    passed = sum(check.verdict is Verdict.PASS for check in solution.checks)
    subject.proof.solution = (passed, len(solution.checks))
    subject.proof.accepted = (sum(r.verdict is Verdict.PASS for r in results.values()), len(results))
    subject.proof.cases = max((check.cases for check in solution.checks), default=0)
    if solution.verdict is Verdict.PASS and subject.proof.cases < 2 and _calls(exercise):
        subject.breach(
            6,
            "solution",
            subject.exercise.checks,
            "no check plays its script under torture",
            "add a check of a good day with the decorator @torture",
        )
    return subject.proof


def _calls(exercise: Exercise) -> bool:
    """Whether the contract has a solution make calls that can fail."""
    return not exercise.pure


def accepted_files(exercise: Exercise, language: str) -> list[Path]:
    """The accepted variants in a language, by name."""
    suffix = "*.py" if language == "python" else "*.c"
    return sorted((exercise.solution(language).parent / "accepted").glob(suffix))


def _must_pass(subject: _Subject, what: str, path: Path, result: UnitResult) -> None:
    failure = result.first_failure
    if result.warnings.strip():
        subject.breach(1, what, path, "the compiler warns of it", "write it so that it does not", result.warnings)
    if failure is None:
        if result.verdict is not Verdict.PASS:
            subject.breach(1, what, path, f"ends as {result.verdict}", "see what this machine lacks")
        return
    law = 6 if failure.cases > 1 else 1
    advice = "repair the program, or the check if the contract allows what the program does"
    subject.breach(law, what, path, f"{failure.verdict} in {failure.check}: {_said(failure)}", advice, _story(failure))


def stub(exercise: Exercise, language: str, repeat: int) -> Proof:
    """Laws 2 and 5: the stub is derived, leads to a pass, and fails the same way each time."""
    subject = _Subject(exercise, language)
    proof, path = subject.proof, exercise.stub(language)
    try:
        text = subject.gaps.stub(language)
    except ManifestError as error:
        subject.breach(2, "stub", subject.edits, _without_path(error, subject.edits), "make the edit fit the solution")
        return proof
    proof.distance = distance(subject.solution, text)
    if proof.distance > MOST_CHANGED_LINES:
        subject.breach(
            2, "stub", subject.edits, f"{proof.distance} lines differ from the solution, {MOST_CHANGED_LINES} may",
            "make the edits smaller: people repair programs here, they do not write them",
        )  # fmt: skip
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        subject.breach(
            2, "stub", path, "it is not what the solution and gaps.toml give",
            "edit the solution or gaps.toml, then write it anew: nox -s verify -- --write",
            _diff(text, found, "derived", "found"),
        )  # fmt: skip
    with Bench(exercise, language) as bench:
        _close_in_order(subject, bench)
        _repeat(subject, bench, {"solution": subject.solution, "stub": text}, repeat)
    return proof


def _close_in_order(subject: _Subject, bench: Bench) -> None:
    still_open, total = list(subject.slugs), len(subject.slugs)
    while True:
        try:
            text = subject.gaps.with_open(subject.language, still_open)
        except ManifestError as error:
            sentence = f"with {', '.join(still_open)} open: {_without_path(error, subject.edits)}"
            subject.breach(2, "stub", subject.edits, sentence, "say in a [[together]] what both look like")
            break
        name = f"open-{len(still_open)}"
        failure = bench.grade({name: text}, until="first")[name].first_failure
        where = "with no gap open" if not still_open else f"with {', '.join(still_open)} open"
        if failure is None:
            if still_open:
                subject.breach(2, "stub", subject.edits, f"{where} it passes", "let a check bring the gap to light")
            break
        gap = _gap(failure)
        if gap not in still_open:
            what = f"{gap} is reported, which is closed" if gap in subject.slugs else "no gap is named"
            subject.breach(
                2, "stub", subject.exercise.checks,
                f"{where}, {what}: {failure.verdict} in {failure.check}: {_said(failure)}",
                "close the gaps by hand in that order and see where the diagnosis leads astray", _story(failure),
            )  # fmt: skip
            break
        still_open.remove(gap)
    subject.proof.closed = (total - len(still_open), total)


def _repeat(subject: _Subject, bench: Bench, programs: dict[str, str], repeat: int) -> None:
    first: dict[str, str] = {}
    for number in range(repeat):
        # two runs are every proof's; who asks for more has the sweeps compared, too
        for name, result in bench.grade(programs, until="sweep" if repeat <= _QUICK else "decided").items():
            text = as_text(result)
            if text != first.setdefault(name, text):
                path = subject.exercise.solution(subject.language) if name == "solution" else subject.exercise.checks
                subject.breach(
                    5, f"{name}, repetition {number + 1}", path, "the report differs from that of the first run",
                    "find what the check decides by time, by a count or by chance, and let it wait for an event",
                    _diff(first[name], text, "first run", f"run {number + 1}"),
                )  # fmt: skip
                return
        subject.proof.repetitions = number + 1


def mutants(exercise: Exercise, language: str, _repeat: int) -> Proof:
    """Law 3: each gap alone is reported by name and line; which checks report what."""
    subject = _Subject(exercise, language)
    programs = {}
    for slug in subject.slugs:
        try:
            programs[slug] = subject.gaps.mutant(language, slug)
        except ManifestError as error:
            sentence = _without_path(error, subject.edits)
            subject.breach(3, f"mutant {slug}", subject.edits, sentence, "make the edit fit the solution")
    with Bench(exercise, language) as bench:
        results = bench.grade(programs, until="end")
    caught = sum(_is_caught(subject, slug, programs[slug], result) for slug, result in results.items())
    subject.proof.mutants = (caught, len(subject.slugs))
    for result in results.values():
        subject.proof.revealed |= {(check.check, _gap(check)) for check in result.checks if _gap(check)}
    return subject.proof


def _is_caught(subject: _Subject, slug: str, text: str, result: UnitResult) -> bool:
    failure, what = result.first_failure, f"mutant {slug}"
    if failure is None:
        subject.breach(
            3, what, subject.edits, f"the solution with {slug} open passes every check",
            "write a check that brings the gap to light, or an edit that really opens it",
        )  # fmt: skip
        return False
    reported = _gap(failure)
    if reported != slug:
        named = f"as {reported}" if reported else "without a gap"
        subject.breach(
            3, what, subject.exercise.checks,
            f"it is reported {named}: {failure.verdict} in {failure.check}: {_said(failure)}",
            f"let the check or the rules see {slug} first, or let the edit open nothing else", _story(failure),
        )  # fmt: skip
        return False
    wanted, places = subject.gaps.line(subject.language, slug), failure.diagnosis.places
    found = text.splitlines()[places[0].line - 1].strip() if places else ""
    if wanted and wanted not in found:
        where = f"at line {places[0].line}, {found!r}" if places else "without a line"
        subject.breach(
            3, what, subject.edits, f"it is reported {where}; [line] wants {wanted!r}",
            "mend the rule that picks the line, or what [line] says",
        )  # fmt: skip
        return False
    return True


#: The parts of a proof, the longest first.
PARTS: dict[str, Callable[[Exercise, str, int], Proof]] = {"mutants": mutants, "stub": stub, "solutions": solutions}


def _gap(check: CheckResult) -> str:
    return check.diagnosis.gap if check.diagnosis else ""


def _said(check: CheckResult) -> str:
    return check.diagnosis.sentence if check.diagnosis else str(check.verdict)


def _story(check: CheckResult) -> str:
    if check.diagnosis is None:
        return ""
    if check.diagnosis.messages:
        return check.diagnosis.messages
    lines = [("        " if line.actor == "learner" else "") + str(line) for line in check.diagnosis.transcript]
    return "\n".join(lines[-8:])


def distance(solution: str, stub: str) -> int:
    """How many lines a learner has to touch: of a changed line one side counts."""
    marks = [line[0] for line in difflib.ndiff(solution.splitlines(), stub.splitlines())]
    return max(marks.count("+"), marks.count("-"))


def _diff(a: str, b: str, name_a: str, name_b: str) -> str:
    return "\n".join(difflib.unified_diff(a.splitlines(), b.splitlines(), name_a, name_b, lineterm="", n=1))


def _without_path(error: ManifestError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")
