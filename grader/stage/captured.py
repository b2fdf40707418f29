"""Captured frames with their times: in words, compared, and in a file, which is pcap."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from grader.verdict.words import counted, differing

#: A time in nanoseconds, and the bytes of a frame.
Frame = Sequence[Any]
#: What a file of this format begins with, and each frame in it.
_HEADER, _RECORD = 24, 16
#: The first four bytes -> the byte order of all numbers, and what stands for a second.
_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 10**6),
    b"\xa1\xb2\xc3\xd4": (">", 10**6),
    b"\x4d\x3c\xb2\xa1": ("<", 10**9),
    b"\xa1\xb2\x3c\x4d": (">", 10**9),
}


def are_frames(value: Any) -> bool:
    """Whether a value is a list of frames, and of one at least."""
    return isinstance(value, list) and bool(value) and all(map(_is_frame, value))


def _is_frame(item: Any) -> bool:
    return isinstance(item, list) and [type(part) for part in item] == [int, bytes]


def time_words(nanoseconds: int) -> str:
    """A time in seconds, to the nanosecond."""
    sign = "-" * (nanoseconds < 0)
    return f"{sign}{abs(nanoseconds) // 10**9}.{abs(nanoseconds) % 10**9:09}"


def frames_compared(expected: list[Frame], actual: list[Frame]) -> str:
    """What is wrong with frames, in words that follow the name of what has them."""
    for number, (right, wrong) in enumerate(zip(expected, actual, strict=False), 1):
        whose = f"frame {number} of {len(actual)}"
        if wrong[1] != right[1] and len(wrong[1]) == len(right[1]):
            return f"{whose} with other bytes: {differing(right[1], wrong[1])}"
        if wrong[1] != right[1]:
            return f"{whose} with {counted(len(wrong[1]))}; expected {len(right[1])}"
        if wrong[0] != right[0]:
            return f"{whose} with the time {time_words(wrong[0])}; expected {time_words(right[0])}"
    return f"{counted(len(actual), 'frame')}; expected {len(expected)}"


def flaw(data: bytes, limit: int) -> str:
    """What the header of a file says that it should not; ``""`` if it is right.

    Args:
        limit: the snap length that is to stand there.
    """
    if len(data) < _HEADER:
        return f"has {counted(len(data))}, and a pcap file begins with {_HEADER}"
    order, unit = _MAGICS.get(data[:4], ("", 0))
    if unit != 10**6:
        return f"begins with {data[:4].hex(' ')}, which is not the magic number of pcap with microseconds"
    major, minor, _zone, _accuracy, most, link = struct.unpack_from(f"{order}HHiIII", data, 4)
    if (major, minor) != (2, 4):
        return f"says that its version is {major}.{minor}; expected 2.4"
    if most != limit:
        return f"says that its snap length is {most}; expected {limit}"
    return f"says that its link type is {link}; expected 1" if link != 1 else ""


def frames_in(data: bytes) -> tuple[list[Frame], str]:
    """The frames of a file whose header is right, and what is wrong with the next one;
    ``""`` if there is none."""
    order, at, frames = _MAGICS[data[:4]][0], _HEADER, []
    while at < len(data):
        number = len(frames) + 1
        if at + _RECORD > len(data):
            return frames, f"ends inside the record of frame {number}"
        seconds, fraction, length, original = struct.unpack_from(f"{order}4I", data, at)
        at += _RECORD
        if at + length > len(data):
            return frames, f"ends inside frame {number}, whose record says {counted(length)}"
        if original != length:
            return frames, f"says that frame {number} had {counted(original)}, and {length} are there"
        if fraction >= 10**6:
            return frames, f"says that frame {number} came {fraction} microseconds after a full second"
        frames.append([seconds * 10**9 + fraction * 1000, data[at : at + length]])
        at += length
    return frames, ""
