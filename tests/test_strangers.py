"""Strangers' programs get the verdict that they deserve, and wrong ones hear why.

`tests.strangers` says where they lie, and what their heads say.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby

import pytest

from grader.catalogue.exercises import PROJECT
from tests.conftest import by_slug, kit_environment
from tests.strangers import Stranger, corpus

FAILS = ("fail", "crash", "hang", "build")


def _kind(stranger: Stranger) -> tuple[str, str]:
    return stranger.key, stranger.language


KINDS = {"-".join(kind): list(members) for kind, members in groupby(sorted(corpus(), key=_kind), key=_kind)}


@pytest.mark.parametrize("stranger", corpus(), ids=lambda s: f"{s.key}/{s.path.name}")
def test_a_head_says_what_is_to_come(stranger: Stranger) -> None:
    head, gaps = stranger.head, by_slug(stranger.key[3:]).gaps

    assert head["expect"] == ("pass" if stranger.is_right else "fail")
    assert head["gap"] in ("none",) if stranger.is_right else ("other", *gaps)
    assert stranger.is_right or head["gap"] in gaps or "says" in head, "its cause cannot be told from another"


@pytest.mark.parametrize("kind", KINDS)
def test_strangers_are_judged_rightly(kind: str) -> None:
    members = {str(stranger.path): stranger for stranger in KINDS[kind]}
    done = subprocess.run(
        [sys.executable, "-m", "tests.strangers", *members],
        cwd=PROJECT, env=kit_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    complaints = [
        f"{stranger.path.name}: {complaint}"
        for path, told in json.loads(done.stdout).items()
        for stranger in [members[path]]
        for complaint in _complaints(stranger, told)
    ]

    assert not complaints, "\n".join(complaints)


def _complaints(stranger: Stranger, told: dict[str, str]) -> Iterator[str]:
    """What is wrong with a report on a stranger's program."""
    heard = f"{told['verdict']} {told.get('gap', '')}: {told.get('sentence', '')}"
    if stranger.is_right:
        if told["verdict"] != "pass":
            yield f"is right and does not pass: {heard}"
        return
    if told["verdict"] not in FAILS:
        yield "is wrong and does not fail"
        return
    gap, says = stranger.head["gap"], stranger.head.get("says", "")
    if gap != "other" and told["gap"] != gap:
        yield f"{gap} is to be reported: {heard}"
    if says not in told["sentence"]:
        yield f"{says!r} is to be said: {heard}"
