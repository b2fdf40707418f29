"""Which failing checks have the same reason, and which reports are the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from grader.verdict.model import CheckResult


def by_reason(failures: Iterable[CheckResult]) -> list[list[CheckResult]]:
    """Failing checks of one program, those with the same reason together: the same
    gap at the same line, or, where no gap is named, the same words."""
    reasons: dict[tuple, list[CheckResult]] = {}
    for failure in failures:
        found = failure.diagnosis
        reason = found and (found.gap or found.sentence, found.places[:1], found.messages)
        reasons.setdefault((failure.verdict, reason), []).append(failure)
    return list(reasons.values())


def signature(failure: CheckResult) -> str:
    """What a report says, in few characters, wherever in the file the lines stand by now."""
    found = failure.diagnosis
    said = [failure.check, str(failure.verdict)]
    if found is not None:
        lines = {place.line for place in found.places}
        sentence = re.sub(r"\d+", lambda number: "#" if int(number[0]) in lines else number[0], found.sentence)
        messages = re.sub(r"\d+", "#", found.messages)
        said += [found.gap, sentence, messages, repr(found.difference)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]
