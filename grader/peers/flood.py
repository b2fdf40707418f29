"""Bytes in bulk, each of which tells where it stands."""

from __future__ import annotations

from functools import cache

#: So many bytes are sent at a time.
PIECE = 1 << 16


def flood(first: int, size: int) -> bytes:
    """So many bytes of the flood, from a place on."""
    pattern = _pattern()
    begin = first % len(pattern)
    return (pattern * ((begin + size) // len(pattern) + 1))[begin : begin + size]


@cache
def _pattern() -> bytes:
    """Numbers of their own places, 8 bytes each; an odd number of bytes, so that no
    buffer's size is a multiple of it."""
    return b"".join(b"%07d " % place for place in range(0, 1 << 20, 8))[:1000003]
