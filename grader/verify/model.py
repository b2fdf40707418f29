"""What a proof finds: counts for a table, and breaches of the laws."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Number of a law -> the law.  0 is for the files that all others stand on.
LAWS = {
    0: "An exercise's files are complete, agree with each other, and name what exists.",
    1: "A solution passes every check, and so does every accepted variant.",
    2: "A stub is its solution with all gaps open; closing them as they are reported leads to a pass.",
    3: "A mutant fails, and the first thing reported is its own gap, at its own line.",
    4: "No gap without a check that reports it, no check without a gap it can report.",
    5: "Every repetition gives the same verdicts, diagnoses and transcripts.",
    6: "Whatever call fails, a solution recovers or reports it, and leaves nothing behind.",
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
        breaches: in the order in which they were found.
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
    breaches: list[Breach] = field(default_factory=list)

    def take(self, other: Proof) -> None:
        """Add what another task has proven about the same program."""
        for name in ("solution", "accepted", "distance", "closed", "mutants", "cases", "repetitions"):
            if getattr(other, name) not in (0, (0, 0)):
                setattr(self, name, getattr(other, name))
        self.revealed |= other.revealed
        self.breaches += other.breaches
