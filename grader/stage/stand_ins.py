"""What is another one in every run, and is told by a name that stays the same."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

_Thing = TypeVar("_Thing")


def renamed(thing: _Thing, names: Mapping[str, str]) -> _Thing:
    """A thing all of whose texts, deep down, have these names instead.

    Args:
        names: text -> what stands for it; of two, the longer one first.
    """
    if isinstance(thing, str):
        for text in sorted(names, key=len, reverse=True):
            thing = thing.replace(text, names[text])
        return thing
    if isinstance(thing, tuple):
        return tuple(renamed(part, names) for part in thing)
    if is_dataclass(thing):
        parts = {part.name: renamed(getattr(thing, part.name), names) for part in fields(thing)}
        return replace(thing, **parts)
    return thing


def of_address(own: str, shown: str) -> dict[str, str]:
    """Names for an IPv4 address in each of the ways in which values tell of it: as
    text, as the bytes of a Python program or of a report, as a number of C."""
    return dict(zip(_spellings(own), _spellings(shown), strict=True))


def _spellings(address: str) -> tuple[str, ...]:
    packed = socket.inet_aton(address)
    return address, repr(packed)[2:-1], packed.hex(" "), str(int.from_bytes(packed, "little"))
