"""What somebody has said to a program and got from it, down to the single byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from grader.trace.reader import Call


@dataclass(frozen=True)
class Talk:
    """The connection of a client that waits in vain, or has got other bytes.

    Attributes:
        name: what sentences call the client: ``bob``, ``the client``.
        said: all bytes that it has sent.
        heard: all bytes that it had got before, as it was to.
        owed: the bytes that were to come next.
        came: what came instead of them, or so far.
        calls: what the program has called on the connection, in every process.
    """

    name: str
    said: bytes
    heard: bytes
    owed: bytes
    came: bytes
    calls: tuple[Call, ...]

    @cached_property
    def receives(self) -> list[tuple[Call, int]]:
        """The calls that took bytes of the client, each with the place of its first one."""
        return list(_placed(c for c in self.calls if c.any_of("recv") and not c.only_looks))

    @cached_property
    def sends(self) -> list[tuple[Call, int]]:
        """The calls that sent it bytes, each with the place of its first one."""
        return list(_placed(c for c in self.calls if c.any_of("send")))

    @property
    def taken(self) -> int:
        """How many bytes of the client the program has taken."""
        return sum(call.result for call, _ in self.receives)

    def brought(self, call: Call, at: int) -> bytes:
        """The bytes that one of `receives` took."""
        return self.said[at : at + call.result]

    @property
    def differs_at(self) -> int:
        """The place of the first byte that has not come, or came as another one."""
        pairs = zip(self.came, self.owed, strict=False)
        return next((i for i, (came, owed) in enumerate(pairs) if came != owed), min(len(self.came), len(self.owed)))

    @property
    def is_echo(self) -> bool:
        """Whether it is owed what it has said itself."""
        return bool(self.owed) and self.said[len(self.heard) :].startswith(self.owed)

    @property
    def is_full(self) -> bool:
        """Whether the kernel has not taken all that was sent last."""
        sent = [c for c in self.calls if c.any_of("send") and c.done]
        return bool(sent) and sent[-1].leaves_a_rest

    def sender_of(self, place: int) -> Call | None:
        """The call that sent a byte of those that came in this wait."""
        at = len(self.heard) + place
        return next((call for call, first in self.sends if first <= at < first + call.result), None)

    def first_of(self, sender: Call) -> int:
        """The place of the first byte that a call sent; below 0, of one that came before."""
        return next(first for call, first in self.sends if call is sender) - len(self.heard)


def _placed(calls: Iterator[Call]) -> Iterator[tuple[Call, int]]:
    position = 0
    for call in calls:
        if call.done and call.result > 0:
            yield call, position
            position += call.result
