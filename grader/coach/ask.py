"""Questions that are asked before something is done that cannot be taken back."""

from __future__ import annotations

import sys

from grader.coach.choice import BadUsage
from grader.report.page import MARGIN, Page


def agreed(page: Page, question: str, *, is_given: bool) -> bool:
    """Ask, unless it was answered on the command line.

    Args:
        is_given: whether ``--yes`` was.

    Raises:
        BadUsage: there is no terminal to ask at.
    """
    if is_given:
        return True
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadUsage(f"{question} There is no terminal to ask at: --yes says so")
    page.console.print(f"{MARGIN}{question} [y/N] ", end="", markup=False)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        page.say()
    return answer.strip().lower() in ("y", "yes")
