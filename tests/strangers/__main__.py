"""``python -m tests.strangers FILE...``: grade programs of one exercise in one
language on one warm stage, each until its first failure.

Writes a JSON object to standard output, ``{FILE: {"verdict": "fail", "check": ...,
"gap": ..., "sentence": ...}}``, without the last three where a program passes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from grader.verdict.model import UnitResult
from grader.verify.bench import Bench
from tests.conftest import by_slug
from tests.strangers import read


def _told(result: UnitResult) -> dict[str, str]:
    """What a report begins with."""
    failure = result.first_failure
    told = {"verdict": str(result.verdict)}
    if failure is not None:
        said = failure.diagnosis
        told |= {"check": failure.check, "gap": said.gap, "sentence": said.sentence or said.messages}
    return told


def main(*files: str) -> None:
    """Grade the programs in these files."""
    first = read(Path(files[0]))
    texts = {f"{n:03d}-{Path(file).stem}": Path(file).read_text(encoding="utf-8") for n, file in enumerate(files)}
    with Bench(by_slug(first.key[3:]), first.language) as bench:
        results = bench.grade(texts, until="first")
    report = {file: _told(result) for file, result in zip(files, results.values(), strict=True)}
    json.dump(report, sys.stdout, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
