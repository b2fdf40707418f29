"""Frames with their times in a pcap file, as every sniffer writes it."""

import os
import struct
from collections.abc import Iterable, Iterator

LIMIT = 262144  # bytes of a frame
ETHERNET = 1  # the link type

# How a file begins: the byte order of its numbers, and the nanoseconds that a
# fraction of a second is counted in.
MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}


def read_pcap(path: str) -> list[tuple[int, bytes]]:
    """Read the frames of a file, each with its time in nanoseconds.

    Raises:
        ValueError: the file is not pcap, or not of Ethernet, or is cut.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        order, unit = check_header(file.read(24))
        frames = []
        while record := file.read(16):
            if len(record) < 16:
                raise ValueError("the file ends inside a record")
            seconds, fraction, length, _original = struct.unpack(order + "4I", record)
            if length > LIMIT:
                raise ValueError(f"a frame of {length} bytes")
            frame = file.read(length)
            if len(frame) < length:
                raise ValueError("the file ends inside a frame")
            frames.append((seconds * 10**9 + fraction * unit, frame))
        return frames


def check_header(header: bytes) -> tuple[str, int]:
    """The byte order of a file, and the unit of its fractions of a second."""
    if len(header) < 24 or header[:4] not in MAGICS:
        raise ValueError("not a pcap file")
    order, unit = MAGICS[header[:4]]
    major, link_type = struct.unpack_from(order + "H14xI", header, 4)
    if major != 2:
        raise ValueError(f"a pcap file of version {major}")
    if link_type != ETHERNET:
        raise ValueError(f"frames of link type {link_type}")
    return order, unit


def write_pcap(path: str, frames: Iterable[tuple[int, bytes]]) -> None:
    """Write frames with their times in nanoseconds to a file.

    Raises:
        ValueError: a frame or its time does not fit into the format.
        OSError: they cannot be written; the file is there only if it was before.
    """
    content = list(packed(frames))
    try:
        file, is_new = open(path, "xb"), True
    except FileExistsError:
        file, is_new = open(path, "wb"), False
    try:
        with file:
            file.writelines(content)
    except OSError:
        if is_new:
            os.unlink(path)
        raise


def packed(frames: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """The header of a file, then each frame behind a record of its own."""
    yield struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, LIMIT, ETHERNET)
    for time, frame in frames:
        seconds, nanoseconds = divmod(time, 10**9)
        if len(frame) > LIMIT or not 0 <= seconds < 1 << 32:
            raise ValueError(f"no room for {len(frame)} bytes at {seconds} s")
        yield struct.pack("=4I", seconds, nanoseconds // 1000, len(frame), len(frame)) + frame
