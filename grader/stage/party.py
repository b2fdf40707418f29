"""One whom a program talks to: what it has said, what it has got, what it is owed."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.stage.links import Link


@dataclass
class Party:
    """A peer, as far as it is known to have said or heard something.

    Attributes:
        name: what sentences call it: ``bob``, ``the client``.
        link: how it is tied to the program, once it is.
        since: index of the first record that can be of its present connection.
        said: all bytes that it has sent.
        heard: all bytes that it has got and was to get.
        answered: how many bytes it had sent when it last got what it was owed.
        datagrams: sizes of the datagrams that it has sent since (bytes).
        has_ended: whether it has sent end-of-file.
        wants: what it waits for, while it does: ``20 bytes``.
        owed: the bytes that it waits for, where they are known.
        came: what has come instead of them, or so far.
    """

    name: str
    link: Link | None = None
    since: int = 0
    said: bytearray = field(default_factory=bytearray)
    heard: bytearray = field(default_factory=bytearray)
    answered: int = 0
    datagrams: list[int] = field(default_factory=list)
    has_ended: bool = False
    wants: str = ""
    owed: bytes = b""
    came: bytes = b""

    @property
    def sent(self) -> int:
        """How many bytes it has sent."""
        return len(self.said)

    @property
    def unanswered(self) -> bytes:
        """What it has sent since it last got what it was owed."""
        return bytes(self.said[self.answered :])

    def gets(self, data: bytes) -> None:
        """What it is owed has come."""
        self.heard += data
        self.answered, self.owed = len(self.said), b""
        self.datagrams.clear()
