# expect: fail
# gap: rounded-time
# cause: Seconds with a fraction are rounded to six places.
# shows: A time with more than half a microsecond.
import os
import struct


def read_pcap(path):
    with open(path, "rb") as file:
        data = file.read()
    kinds = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
             b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
    if len(data) < 24 or data[:4] not in kinds:
        raise ValueError("not pcap")
    order, unit = kinds[data[:4]]
    major, link = struct.unpack(order + "4xH14xI", data[:24])
    if major != 2 or link != 1:
        raise ValueError("another kind of pcap")
    frames, at = [], 24
    while at < len(data):
        if at + 16 > len(data):
            raise ValueError("cut")
        seconds, part, length, _ = struct.unpack_from(order + "4I", data, at)
        at += 16
        if length > 262144 or at + length > len(data):
            raise ValueError("cut, or too long")
        frames.append((seconds * 10**9 + part * unit, data[at:at + length]))
        at += length
    return frames


HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)


def record(time, frame):
    if not 0 <= time < 2**32 * 10**9 or len(frame) > 262144:
        raise ValueError("no such frame")
    return struct.pack("<4I", time // 10**9, int(f'{time % 10**9 / 10**9:.6f}'[2:]), len(frame), len(frame)) + frame


def save(path, data):
    new = not os.path.lexists(path)
    try:
        with open(path, "wb") as file:
            file.write(data)
    except OSError:
        if new and os.path.exists(path):
            os.unlink(path)
        raise


def write_pcap(path, frames):
    save(path, HEADER + b"".join(record(*frame) for frame in frames))
