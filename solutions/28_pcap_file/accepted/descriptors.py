"""The calls themselves: every count is looked at, and a new file is known by O_EXCL."""

import os


def get(data, order):
    return int.from_bytes(data, order)


def read_up_to(fd, count):
    data = b""
    while len(data) < count and (piece := os.read(fd, count - len(data))):
        data += piece
    return data


def frames_of(fd):
    header = read_up_to(fd, 24)
    if len(header) != 24:
        raise ValueError("too short")
    for order in ("little", "big"):
        if get(header[:4], order) in (0xA1B2C3D4, 0xA1B23C4D):
            break
    else:
        raise ValueError("no magic number")
    scale = 1000 if get(header[:4], order) == 0xA1B2C3D4 else 1
    if get(header[4:6], order) != 2 or get(header[20:24], order) != 1:
        raise ValueError("another version, or another link type")
    while True:
        record = read_up_to(fd, 16)
        if not record:
            return
        length = get(record[8:12], order)
        if len(record) != 16 or length > 262144:
            raise ValueError("no record")
        frame = read_up_to(fd, length)
        if len(frame) != length:
            raise ValueError("cut")
        yield get(record[:4], order) * 1_000_000_000 + get(record[4:8], order) * scale, frame


def read_pcap(path):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return list(frames_of(fd))
    finally:
        os.close(fd)


def put(*numbers):
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def write_pcap(path, frames):
    parts = [put(0xA1B2C3D4), bytes((0, 2, 0, 4)), put(0, 0, 262144, 1)]
    for time, frame in frames:
        if time < 0 or time >= 2**32 * 10**9:
            raise ValueError("no such time")
        if len(frame) > 262144:
            raise ValueError("too long")
        parts.append(put(time // 10**9, time // 1000 % 10**6, len(frame), len(frame)))
        parts.append(frame)
    rest = memoryview(b"".join(parts))
    made = True
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        made = False
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        try:
            while rest:
                rest = rest[os.write(fd, rest) :]
        finally:
            os.close(fd)
    except OSError:
        if made:
            os.unlink(path)
        raise
