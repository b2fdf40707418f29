# expect: pass
# gap: none
# cause: none, it is right: the file is given its size first, and then filled through a map of it.
# shows: never
import contextlib
import mmap
import os
import struct


def parse(data):
    for endian in "<>":
        for magic, tick in ((b"\xa1\xb2\xc3\xd4", 1000), (b"\xa1\xb2\x3c\x4d", 1)):
            if data[:4] == (magic if endian == ">" else magic[::-1]) and len(data) >= 24:
                version, _, _, _, link = struct.unpack(endian + "HxxiIII", data[4:24])
                if version == 2 and link == 1:
                    return endian + "LLLL", tick
    raise ValueError("no capture")


def read_pcap(path):
    frames = []
    with open(path, "rb") as file:
        layout, tick = parse(file.read(24))
        for record in iter(lambda: file.read(16), b""):
            if len(record) != 16:
                raise ValueError("no record")
            seconds, fraction, length, _ = struct.unpack(layout, record)
            if length > 262144:
                raise ValueError("no length")
            data = file.read(length)
            if len(data) != length:
                raise ValueError("no frame")
            frames.append((seconds * 1_000_000_000 + fraction * tick, data))
    return frames


def write_pcap(path, frames):
    frames = tuple(frames)
    for time, data in frames:
        if not 0 <= time // 10**9 <= 0xFFFFFFFF:
            raise ValueError("time")
        if len(data) > 262144:
            raise ValueError("size")
    size = 24 + sum(16 + len(data) for _, data in frames)
    with contextlib.ExitStack() as stack:
        if os.path.lexists(path):
            fd = os.open(path, os.O_RDWR)
        else:
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            stack.callback(os.unlink, path)
        try:
            os.ftruncate(fd, size)
            with mmap.mmap(fd, size) as memory:
                memory[:24] = struct.pack(">LHHLLLL", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
                at = 24
                for time, data in frames:
                    us = time // 1000
                    memory[at : at + 16] = struct.pack(">LLLL", us // 10**6, us % 10**6, len(data), len(data))
                    memory[at + 16 : at + 16 + len(data)] = data
                    at += 16 + len(data)
                memory.flush()
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        stack.pop_all()
