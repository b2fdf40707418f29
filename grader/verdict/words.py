"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, noun: str = "byte") -> str:
    """A number with its noun: ``1 byte``, ``2 bytes``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
