"""What loaded programs of both languages have in common."""

from __future__ import annotations

# The C base class: a learner's process replaces socket.socket by its tracer.
from _socket import socket
from dataclasses import dataclass
from typing import Any


class LoadError(Exception):
    """The program cannot be loaded, or does not define what its contract says.

    Attributes:
        report: ``sentence``, and where known ``line`` and ``text`` of the source.
    """

    def __init__(self, sentence: str, *, line: int | None = None, detail: str = "") -> None:
        super().__init__(sentence)
        self.report = {"sentence": sentence, "line": line, "detail": detail}


class ContractBroken(Exception):
    """A C function answered outside of what its contract knows."""


@dataclass(frozen=True)
class Null:
    """A NULL pointer where size bytes were promised (C only)."""

    size: int

    def __len__(self) -> int:
        return self.size


@dataclass(frozen=True)
class Frames:
    """Frames with their times: for a Python program a list of tuples.

    Attributes:
        frames: pairs of nanoseconds and bytes.
        once: whether it is an iterator instead, which can be gone through once.
    """

    frames: tuple[tuple[int, bytes], ...]
    once: bool = False

    @property
    def shown(self) -> str:
        return f"{len(self.frames)} frame{'s' * (len(self.frames) != 1)}"


@dataclass(frozen=True)
class Descriptor:
    """A descriptor that a C function has returned: its caller's from now on."""

    fd: int

    def fileno(self) -> int:
        return self.fd


def described(result: Any) -> Any:
    """A result as the channel carries it: plain types, or a word for the others."""
    if result is None or type(result) in (bool, int, str, bytes):
        if type(result) is int and abs(result) >> 63:
            return {"other": "an int of more than 64 bits"}
        return result
    if isinstance(result, (Descriptor, socket)):
        return {"descriptor": result.fileno()}
    if type(result) is list or isinstance(result, tuple):
        return [described(item) for item in result]
    return {"other": f"{type(result).__name__} {result!r:.80}"}
