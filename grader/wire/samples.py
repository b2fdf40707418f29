"""What frames are filled with, so that sums, lengths and cuts show what they are to show."""

from __future__ import annotations

from typing import Any

from grader.wire.frames import Segment, tcp

# Sums over these have no carry; only the last has an odd number of bytes.
QUIET, EVEN, ODD = bytes.fromhex("0001 0203 0405 0607"), b"PING 7", b"PING 13"
# Sums over these have many.
LOUD = bytes(range(255, -1, -1)) + b"\xff" * 33
# What a small frame is filled up with; a network card may leave anything in it.
PADDING = bytes.fromhex("da7a 5ca1 ab1e 0ff1 ce00 0dd5 a7ba 6fab 1ec0")
# Options of IPv4, a route that was taken; and of TCP, a largest segment.
ROUTE = bytes.fromhex("01 07 0b 08 c0000201 00000000")
LARGEST = bytes.fromhex("0204 05b4 0101 0101")
ARP_REQUEST = bytes.fromhex("0001 0800 0604 0001 02000000 0a01 0a000001 000000000000 0a000002")
# What looks like the header of a segment or a datagram, and is the middle of a file.
LOOKALIKE = bytes.fromhex("0050 0fa0 0000 0001 0000 0002 5010 0400 0000 0000 0000 0000")


def web(data: bytes = b"", **fields: Any) -> Segment:
    """A TCP segment whose sum, with that of its pseudo-header, has no carry."""
    return tcp(data, source=80, to=4000, **fields)


def beginnings(frame: bytes, shortest: int, *headers: tuple[int, str]) -> dict[bytes, list[str]]:
    """Each beginning of a frame, from one of so many bytes on, with its lines.

    Args:
        headers: after how many bytes each header ends, and its line.
    """
    return {
        frame[:size]: [*(line for end, line in headers if end <= size), "truncated"]
        for size in range(shortest, len(frame))
    }
