"""The words a verdict is made of: what every report is written from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended: a closed set."""

    PASS = "pass"
    FAIL = "fail"
    CRASH = "crash"  # a signal, a sanitizer, or an exit of its own
    HANG = "hang"
    BUILD = "build"  # does not compile, does not import
    SKIP = "skip"  # cannot be judged on this machine
    ERROR = "error"  # the kit's own fault


@dataclass(frozen=True)
class Place:
    """A line of the learner's file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Moment:
    """The program at one of its lines.

    Attributes:
        line: of the learner's file.
        callers: the lines that the functions around it were called at, the
            innermost first.
        values: what the line names, with the values, in words.
    """

    line: int
    callers: tuple[int, ...] = ()
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Excerpt:
    """The guilty line of the learner's file, among its neighbours.

    Attributes:
        first: number of the first line.
        lines: the lines' texts, without the indentation that they share.
        at: number of the guilty one.
        values: see `Moment`.
        callers: numbers and texts of the lines that its function, and the ones
            around it, were called at.
    """

    first: int
    lines: tuple[str, ...]
    at: int
    values: tuple[tuple[str, str], ...] = ()
    callers: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Difference:
    """What was to arrive, and what did."""

    expected: bytes
    actual: bytes
    end: str = ""  # how the stream ended: "end-of-file", "reset" or ""


@dataclass(frozen=True)
class Line:
    """One line of a transcript.

    Attributes:
        actor: ``"peer"`` or ``"learner"``.
        text: what it did; of a call, the function's name.
        arguments: of a call, as its program writes them; else None.
        result: of a call, what came of it: ``" = -1 EINTR"``.
        place: where in the learner's file, if it is known.
        who: ``"child 1"`` or ``"thread 2"``, where it was not the program's
            first process or thread.
        injected: whether the grader has made the call end so.
    """

    actor: str
    text: str
    arguments: tuple[str, ...] | None = None
    result: str = ""
    place: Place | None = None
    who: str = ""
    injected: bool = False

    def __str__(self) -> str:
        arguments = "" if self.arguments is None else f"({', '.join(self.arguments)})"
        where = [str(self.place)] * bool(self.place) + [f"{self.who}:"] * bool(self.who)
        return "  ".join([*where, f"{self.text}{arguments}{self.result}{' *' * self.injected}"])


#: Instead of its result, of a call that sleeps meanwhile.
WAITS = " waits"


@dataclass(frozen=True)
class Told:
    """One line of all that was said in a check, where that is asked for.

    Attributes:
        line: as a transcript has it.
        data: the bytes that it moved; of many, the first.
        size: how many it moved.
    """

    line: Line
    data: bytes = b""
    size: int = 0


@dataclass(frozen=True)
class Diagnosis:
    """Why a check did not pass.

    Attributes:
        gap: slug of the exercise's gap, or ``""`` when it is none of them.
        title: the gap in one sentence; ``""`` without a gap.
        sentence: what the program did, with its lines.
        places: the lines that the sentence speaks of, the guilty one first.
        excerpt: the guilty line as it stands in the file, where it is known.
        read: what to read, such as ``send(2)``.
        difference: the bytes, where bytes were compared.
        transcript: who did what, in order, up to the failure.
        messages: a compiler's or an interpreter's own words.
        is_minor: whether it is told after all others: output that may have been
            printed to find out about them.
        is_alone: of a check that was skipped, whether others need not be.
    """

    sentence: str
    gap: str = ""
    title: str = ""
    places: tuple[Place, ...] = ()
    excerpt: Excerpt | None = None
    read: str = ""
    difference: Difference | None = None
    transcript: tuple[Line, ...] = ()
    messages: str = ""
    is_minor: bool = False
    is_alone: bool = False


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check in one language."""

    exercise: str  # NN_slug
    language: str
    check: str  # the function's name
    title: str
    verdict: Verdict
    diagnosis: Diagnosis | None = None
    output: str = ""  # what the program printed
    seconds: float = 0.0
    cases: int = 1  # how often its script was played
    gaps: tuple[str, ...] = ()  # which it can bring to light
    story: tuple[Told, ...] = ()  # all that was said, where it was asked for


@dataclass
class UnitResult:
    """All checks of one exercise in one language.

    Attributes:
        planned: how many checks were to be run.
        checks: those that were.
        not_run: how many were left out, for the program would have ended the same way.
        gaps: slugs of the exercise's gaps in that language.
        warnings: the compiler's.
    """

    exercise: str
    language: str
    planned: int = 0
    checks: list[CheckResult] = field(default_factory=list)
    warnings: str = ""
    not_run: int = 0
    gaps: tuple[str, ...] = ()

    @property
    def failures(self) -> list[CheckResult]:
        """The checks that neither passed nor were skipped, in their order, those
        with a minor reason last."""
        failed = [check for check in self.checks if check.verdict not in (Verdict.PASS, Verdict.SKIP)]
        return sorted(failed, key=lambda check: check.diagnosis is not None and check.diagnosis.is_minor)

    @property
    def first_failure(self) -> CheckResult | None:
        """The failure that is told first."""
        return next(iter(self.failures), None)

    @property
    def closed(self) -> tuple[str, ...]:
        """The gaps that are closed as far as the checks show: one that can bring them to
        light passed, and none that failed reports them. Of a gap that only failing checks
        look for nothing is known, and now and then an open gap hides another one."""
        reported = {check.diagnosis.gap for check in self.failures if check.diagnosis}
        passed = {gap for check in self.checks if check.verdict is Verdict.PASS for gap in check.gaps}
        return tuple(gap for gap in self.gaps if gap in passed - reported)

    @property
    def verdict(self) -> Verdict:
        """The unit's verdict: that of its first check that did not pass."""
        failure = self.first_failure
        if failure is not None:
            return failure.verdict
        if any(c.verdict is Verdict.SKIP for c in self.checks):
            return Verdict.SKIP
        if not self.checks or len(self.checks) < self.planned:
            return Verdict.ERROR  # a missing result is never a pass
        return Verdict.PASS
