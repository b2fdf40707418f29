"""What is graded: one exercise in one language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grader.catalogue.exercises import Exercise


@dataclass(frozen=True)
class Unit:
    """One exercise in one language, with the file that is graded.

    Attributes:
        gap: of a mutant, the gap that is open: once a check has failed, only those
            that name the gap are of interest.
    """

    exercise: Exercise
    language: str
    path: Path
    gap: str = ""

    @property
    def name(self) -> str:
        return f"{self.exercise.key} {self.language}"
