"""How a verb says that an expectation was not met, or cannot be."""

from __future__ import annotations

from grader.verdict.evidence import Failure


class Broken(Exception):
    """The learner's program did otherwise; carries the `Failure`."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


class NotHere(Exception):
    """This check cannot be played on this machine; others can.  Says what to do."""
