"""A standard mutant: a program with one small edit, and how it is named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: A relation -> those that replace it: together with a constant truth they tell
#: every other change of it (Kaminski, Ammann and Offutt, 2011).
RELATIONS = {
    "<": ("<=", "!="), ">": (">=", "!="), "<=": ("<", "=="), ">=": (">", "=="), "==": ("<=", ">="), "!=": ("<", ">"),
}  # fmt: skip
#: Whether that truth is true.
IS_TRUE = {"<": False, ">": False, "<=": True, ">=": True, "==": False, "!=": True}
#: Relations that make sense of values with no order, too: of names, pointers,
#: characters.  There, both truths together tell every other change.
EQUALITIES = ("==", "!=")
#: A relation -> what to add to a number on its right.  The other neighbour is what
#: another relation makes of it.
_BESIDE = {"<": -1, "<=": 1, ">": 1, ">=": -1}
#: Functions whose last argument is a hint to the kernel, which no contract counts.
HINTS = ("listen",)
#: Functions whose last argument says yes with every number but 0.
TRUTHS = ("setsockopt",)


def is_round(value: int) -> bool:
    """Whether a number that a call is given only says how much or how long about,
    and one more or less is not another program."""
    return value > 0 and (value % 1000 == 0 or value % 1024 == 0)


def beside(relation: str, value: int) -> list[int]:
    """What a number on the right of a relation becomes; nothing below 0, which
    would be a truth."""
    near = value + _BESIDE.get(relation, 0)
    return [near] if near not in (value, -1) else []


@dataclass(frozen=True)
class Edit:
    """A piece of a program's text and what is put in its place.

    Attributes:
        start, end: of the piece, in characters.
        put: the new text.
    """

    start: int
    end: int
    put: str


@dataclass(frozen=True)
class Mutant:
    """A program with one edit.

    Attributes:
        program: the file, relative to its folder in ``solutions/``.
        number: the line of the edit, from 1.
        line: the line as it was, blanks squeezed; several lines stand in one.
        becomes: what the edit has made of it.
        occurrence: which of the equal lines of the program it is, from 1.
        text: the whole program.
    """

    program: str
    number: int
    line: str
    becomes: str
    occurrence: int
    text: str

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What an entry of ``equivalent.toml`` names it by."""
        return self.program, self.line, self.becomes, self.occurrence

    @property
    def lot(self) -> bytes:
        """What a sample is drawn by: the same in every run, and unlike that of
        its neighbours."""
        return hashlib.sha256(repr(self.key).encode()).digest()


def mutants(program: str, text: str, edits: Iterable[Edit]) -> Iterator[Mutant]:
    """The mutants of a program, each once, in the order of its lines.

    Args:
        program: the file, as `Mutant.program` has it.
        text: its content.
        edits: what a maker has found in it.
    """
    made: dict[str, Mutant] = {}
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        mutated = text[: edit.start] + edit.put + text[edit.end :]
        if mutated != text and mutated not in made:
            made[mutated] = _named(program, text, edit, mutated)
    yield from made.values()


def _named(program: str, text: str, edit: Edit, mutated: str) -> Mutant:
    lines, first = text.splitlines(), text.count("\n", 0, edit.start)
    block = lines[first : text.count("\n", 0, edit.end) + 1]
    changed = mutated.splitlines()[first : first + len(block) + mutated.count("\n") - text.count("\n")]
    line = _squeezed(block)
    occurrence = sum(_squeezed(lines[at : at + len(block)]) == line for at in range(first + 1))
    return Mutant(program, first + 1, line, _squeezed(changed), occurrence, mutated)


def _squeezed(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())
