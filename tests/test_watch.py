"""How long nothing has changed: what the judge has seen, and not what a clock says."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from grader.stage.watch import Watch


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let so many seconds pass."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


def test_idleness_adds_up_look_by_look(passes: Callable[[float], None]) -> None:
    watch, seen = Watch(), []
    for _ in range(5):
        seen.append(watch.idle("nothing new"))
        passes(0.02)

    assert seen == pytest.approx([0, 0.02, 0.04, 0.06, 0.08])
    assert watch.idle("news") == 0


def test_a_judge_that_was_kept_from_looking_has_seen_nothing(passes: Callable[[float], None]) -> None:
    watch = Watch()
    watch.idle("nothing new")

    passes(3600)  # the machine was asleep

    assert watch.idle("nothing new") <= 0.1


def test_who_waits_for_a_processor_is_not_idle(passes: Callable[[float], None]) -> None:
    watch = Watch()
    watch.idle("nothing new")
    passes(0.02)

    assert watch.idle("nothing new", is_awake=True) == 0
    passes(0.02)
    assert watch.idle("nothing new") == pytest.approx(0.02)


def test_each_kind_of_progress_is_for_itself(passes: Callable[[float], None]) -> None:
    watch = Watch()
    watch.idle(1)
    watch.idle(1, "fruits")
    passes(0.02)
    watch.idle(2)

    assert watch.idle(1, "fruits") == pytest.approx(0.02)
