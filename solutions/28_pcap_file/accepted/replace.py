"""The whole file at a time: read in one go, and written beside its place, which it takes at last."""

import contextlib
import os
import struct
import tempfile
from pathlib import Path
from typing import NamedTuple


class Form(NamedTuple):
    order: str
    nanoseconds: int

    @classmethod
    def of(cls, data):
        for order in ">", "<":
            with contextlib.suppress(struct.error):
                magic, major, _minor, link = struct.unpack_from(f"{order}IHH12xI", data)
                unit = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}.get(magic)
                if unit and major == 2 and link == 1:
                    return cls(order, unit)
        raise ValueError("this is no pcap file of Ethernet frames")


def read_pcap(path):
    data = memoryview(Path(path).read_bytes())
    form = Form.of(data)
    record = struct.Struct(form.order + "IIII")
    frames, at = [], 24
    while at != len(data):
        if len(data) - at < record.size:
            raise ValueError("there is a piece of a record at the end")
        seconds, fraction, captured, _ = record.unpack_from(data, at)
        at += record.size
        if captured > min(262_144, len(data) - at):
            raise ValueError("a frame is longer than it can be")
        frames.append((seconds * 1_000_000_000 + fraction * form.nanoseconds, bytes(data[at : at + captured])))
        at += captured
    return frames


def write_pcap(path, frames):
    data = bytearray(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
    for nanoseconds, frame in frames:
        microseconds = nanoseconds // 1000
        if len(frame) > 262_144 or microseconds < 0 or microseconds // 1_000_000 > 0xFFFFFFFF:
            raise ValueError("this frame does not fit into a pcap file")
        data += struct.pack("<IIII", *divmod(microseconds, 1_000_000), len(frame), len(frame)) + frame
    if os.path.isdir(path):
        raise IsADirectoryError(21, "Is a directory", path)
    fd, beside = tempfile.mkstemp(dir=os.path.dirname(path) or ".")
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
