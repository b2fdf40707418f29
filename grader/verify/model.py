"""What a proof finds: counts for a table, and breaches of the laws."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field

#: Number of a law -> the law.  0 is for the files that all others stand on.
LAWS = {
    0: "An exercise's files are complete, agree with each other, and name what exists.",
    1: "A solution passes every check, and so does every accepted variant.",
    2: "A stub is its solution with all gaps open; closing them as they are reported leads to a pass.",
    3: "A mutant fails, and the first thing reported is its own gap, at its own line.",
    4: "No gap without a check that reports it, no check without a gap it can report.",
    5: "Every repetition gives the same verdicts, diagnoses and transcripts.",
    6: "Whatever call fails, a solution recovers or reports it, and leaves nothing behind.",
    7: "Every standard mutant of a right program fails, or has the reason why nobody can tell it.",
    8: "Every clause of a contract has a check that looks at it, or the reason why it is left open.",
}


@dataclass(frozen=True)
class Breach:
    """A broken law.

    Attributes:
        law: its number in `LAWS`.
        subject: what broke it: ``04 send_all · c · mutant short-send``.
        path: the file to look at, relative to the project.
        sentence: what was found instead.
        advice: what to do.
        detail: a diff, or a transcript; several lines.
    """

    law: int
    subject: str
    path: str
    sentence: str
    advice: str
    detail: str = ""


@dataclass
class Score:
    """What came of the standard mutants of an exercise in one language.

    Attributes:
        mutants: how many there are.
        killed: how many of them fail.
        equivalent: how many pass, and have their reason.
        refused: further texts that do not build.
        alike: further texts that a compiler makes a known program of.
    """

    mutants: int = 0
    killed: int = 0
    equivalent: int = 0
    refused: int = 0
    alike: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass
class Proof:
    """What was proven about one exercise in one language.

    Attributes:
        exercise: its key.
        language: ``python`` or ``c``.
        solution: how many of the checks the solution passes, and of how many.
        accepted: how many accepted variants pass, and of how many.
        distance: changed lines from the solution to the stub.
        closed: how many gaps of the stub were closed in the order reported, and of how many.
        mutants: how many are caught with their own gap, and of how many.
        cases: how often the torture sweep played its script.
        repetitions: how many whole runs were compared.
        revealed: (check, gap) for every gap that a check was seen to report.
        score: of the standard mutants, where they were asked for.
        breaches: in the order in which they were found.
        faults: what went wrong in the kit itself.
    """

    exercise: str
    language: str
    solution: tuple[int, int] = (0, 0)
    accepted: tuple[int, int] = (0, 0)
    distance: int = 0
    closed: tuple[int, int] = (0, 0)
    mutants: tuple[int, int] = (0, 0)
    cases: int = 0
    repetitions: int = 0
    revealed: set[tuple[str, str]] = field(default_factory=set)
    score: Score | None = None
    breaches: list[Breach] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def take(self, other: Proof) -> None:
        """Add what another task has proven about the same program."""
        for name in ("solution", "accepted", "distance", "closed", "mutants", "cases", "repetitions"):
            if getattr(other, name) not in (0, (0, 0)):
                setattr(self, name, getattr(other, name))
        self.revealed |= other.revealed
        self.score = other.score or self.score
        self.faults += other.faults
        self.breaches += other.breaches
