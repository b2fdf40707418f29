"""Captured frames with their times: in words, compared, and in a file, which is pcap."""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any

from grader.verdict.words import counted, differing

#: A time in nanoseconds, and the bytes of a frame.
Frame = Sequence[Any]
#: How far off the program's idea of now may be (nanoseconds).
_DAY = 86400 * 10**9
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


def packets_compared(
    expected: Sequence[bytes], actual: Sequence[bytes], strays: Mapping[bytes, str], *, twice: str, fewer: str, cut: str
) -> tuple[str, str]:
    """What is wrong with captured frames, in words that follow the name of what has them,
    and the slug of the gap that it gives away, ``""`` for none.

    Args:
        strays: frames that were not to be captured, each with a slug.
        twice, fewer, cut: slugs, of a frame that is there too often, one that is
            missing, and one of which a part is missing.
    """
    alike = (right == wrong for right, wrong in zip(expected, actual, strict=False))
    at = next((i for i, same in enumerate(alike) if not same), min(len(expected), len(actual)))
    if at == len(actual):
        return f"holds {counted(len(actual), 'frame')}; expected {len(expected)}", fewer
    frame, right = actual[at], expected[at] if at < len(expected) else b""
    whose = f"frame {at + 1} of {len(actual)}"
    if frame in strays:
        return f"holds a frame that was not to be captured ({whose}, {counted(len(frame))})", strays[frame]
    if frame and right.startswith(frame):
        return f"holds the first {counted(len(frame))} of a frame of {len(right)} ({whose})", cut
    if actual[: at + 1].count(frame) > expected.count(frame) > 0:
        return f"holds a frame of {counted(len(frame))} twice ({whose})", twice
    if frame in expected[at:]:
        return f"lacks a frame of {counted(len(right))}, which passed before {whose}", fewer
    return f"holds {frames_compared([(0, one) for one in expected], [(0, one) for one in actual])}", fewer


def times_flaw(frames: list[Frame]) -> str:
    """What the times of frames say that have just been captured, and should not; ``""``
    if they are of these days, in whichever part of the world."""
    now = time.time_ns()
    for number, (moment, _frame) in enumerate(frames, 1):
        if abs(moment - now) > _DAY:
            return (
                f"says that frame {number} of {len(frames)} came {time_words(moment)} seconds after the start of 1970"
            )
    return ""


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
