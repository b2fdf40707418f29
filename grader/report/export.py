"""Reports for programs: ``--report FORMAT=FILE``."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from grader import __version__
from grader.verdict.model import CheckResult, UnitResult

#: Bytes of each side that a report keeps of a comparison.
_KEPT = 64


class BadReport(Exception):
    """A ``--report`` that cannot be understood."""


def parse(text: str) -> Callable[[list[UnitResult], str], None]:
    """Understand ``FORMAT=FILE``; returns what writes the report.

    Raises:
        BadReport: no such format, or no file.
    """
    name, _, file = text.partition("=")
    if name not in _FORMATS or not file:
        raise BadReport(f"--report {text}: write FORMAT=FILE, where FORMAT is {' or '.join(_FORMATS)}")
    return lambda results, confined: _FORMATS[name](results, confined, Path(file).absolute())


def write_json(results: list[UnitResult], confined: str, path: Path) -> None:
    """Everything, in the words of `grader.verdict.model`.

    The file is made anew, and takes its place when it is whole: what was there, a link
    too, is not written to.

    Args:
        confined: what shut the programs in; ``""`` if nothing did.
    """
    data = {"grader": __version__, "confined": confined, "units": [_unit(unit) for unit in results]}
    made, unfinished = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(made, "w", encoding="utf-8") as file:
            file.write(json.dumps(data, indent=1, default=_plain) + "\n")
        os.chmod(unfinished, 0o644)
        os.replace(unfinished, path)
    except OSError:
        os.unlink(unfinished)
        raise


def as_text(result: UnitResult) -> str:
    """One program's report without what time has a part in, to be compared."""
    data = _unit(result)
    for check in data["checks"]:
        del check["seconds"]
    return json.dumps(data, indent=1, default=_plain)


def _unit(unit: UnitResult) -> dict:
    return {
        "exercise": unit.exercise,
        "language": unit.language,
        "verdict": unit.verdict,
        "planned": unit.planned,
        "not_run": unit.not_run,
        "gaps": unit.gaps,
        "closed": unit.closed,
        "warnings": unit.warnings,
        "checks": [_check(check) for check in unit.checks],
    }


def _check(check: CheckResult) -> dict:
    entry = asdict(check)
    del entry["story"]  # for people who ask for it
    entry["seconds"] = round(check.seconds, 4)
    return entry


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"length": len(value), "hex": value[:_KEPT].hex()}
    raise TypeError(type(value).__name__)


_FORMATS = {"json": write_json}
