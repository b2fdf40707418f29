"""Reads a map of the file, and writes frame by frame, once it has seen them all."""

import mmap
import os
import struct

SECOND = 1_000_000_000


def read_pcap(path):
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < 24:
            raise ValueError("no header")
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as memory:
            return list(walk(memory, size))


def walk(memory, size):
    order = ">" if memory[0] == 0xA1 else "<"
    magic, major, link = struct.unpack_from(order + "IH14xI", memory)
    if magic == 0xA1B2C3D4:
        ticks = 1_000_000
    elif magic == 0xA1B23C4D:
        ticks = SECOND
    else:
        raise ValueError("no pcap")
    if (major, link) != (2, 1):
        raise ValueError("pcap of another kind")
    at = 24
    while at < size:
        if at + 16 > size:
            raise ValueError("half a record")
        whole, part, length, _ = struct.unpack_from(order + "4I", memory, at)
        if length > 1 << 18 or at + 16 + length > size:
            raise ValueError("half a frame")
        yield whole * SECOND + part * (SECOND // ticks), memory[at + 16 : at + 16 + length]
        at += 16 + length


def write_pcap(path, frames):
    known = [(time, bytes(frame)) for time, frame in frames]
    if any(len(frame) > 1 << 18 or not 0 <= time < SECOND << 32 for time, frame in known):
        raise ValueError("what cannot be written")
    there = os.path.lexists(path)
    written = False
    file = open(path, "wb")
    try:
        file.write(struct.pack("<LHHlLLL", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1))
        for time, frame in known:
            file.write(struct.pack("<LLLL", time // SECOND, time % SECOND // 1000, len(frame), len(frame)))
            file.write(frame)
        file.flush()
        written = True
    finally:
        try:
            file.close()
        except OSError:
            written = False
            raise
        finally:
            if not written and not there:
                os.remove(path)
