"""The fixtures a check can name: the parts of `grader.verbs.cast`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from grader.catalogue.unit import Unit
from grader.stage.stage import Stage
from grader.verbs.cast import PARTS, Cast


@pytest.fixture
def cast(stage: Stage, unit: Unit) -> Iterator[Cast]:
    """The check's parts; ended when it is over."""
    cast = Cast(stage, unit)
    yield cast
    cast.close()


def _fixture(name: str) -> Callable[[Cast], Any]:
    def part(cast: Cast) -> Any:
        return cast[name]

    part.__doc__ = getattr(Cast, name, Cast).__doc__
    return pytest.fixture(name=name)(part)


for _name in PARTS:
    globals()[_name] = _fixture(_name)
