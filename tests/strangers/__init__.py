"""Programs that somebody wrote from the contract alone: right ones in every style,
wrong ones with the mistakes that people make.

A program lies in ``NN_slug/right`` or ``NN_slug/wrong``, and its head, the first
comment, says what is to come of it, a line each:

====== ==========================================================================
expect ``pass`` or ``fail``
gap    of a wrong program: the slug that is to be reported; ``other`` for none
cause  what a teacher would say
shows  when it becomes observable
says   of a wrong program: what the first sentence is to say, word for word; it
       may be left out where the gap says it all
====== ==========================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent
_LINE = re.compile(r"^(?:#|/?\s*\*)\s*(expect|gap|cause|shows|says):\s*(.*?)\s*(?:\*/)?$")


@dataclass(frozen=True)
class Stranger:
    """A program of the corpus.

    Attributes:
        path: its file.
        head: what its head says.
    """

    path: Path
    head: dict[str, str]

    @property
    def key(self) -> str:
        """``NN_slug`` of its exercise."""
        return self.path.parts[-3]

    @property
    def language(self) -> str:
        return "c" if self.path.suffix == ".c" else "python"

    @property
    def is_right(self) -> bool:
        return self.path.parent.name == "right"


def read(path: Path) -> Stranger:
    """A program with its head."""
    head = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith(("#", "/*", " *")) or line.startswith("#include"):
            break
        if found := _LINE.match(line):
            head[found[1]] = found[2]
    return Stranger(path, head)


def corpus() -> list[Stranger]:
    """All programs, by name."""
    paths = sorted(CORPUS.glob("[0-9][0-9]_*/*/*"))
    return [read(path) for path in paths if path.suffix in (".py", ".c")]
