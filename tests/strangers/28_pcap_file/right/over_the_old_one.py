# expect: pass
# gap: none
# cause: none, it is right: an old file is opened to be changed, written over and cut behind the last byte; arrays of numbers are swapped as a whole.
# shows: never
import array
import os
import sys

KNOWN = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}


def words(data, swap):
    numbers = array.array("I", data)
    if swap:
        numbers.byteswap()
    return numbers


def read_pcap(path):
    with open(path, mode="rb", buffering=0) as file:
        data = file.readall()
    if len(data) < 24:
        raise ValueError("short")
    head = words(data[:24], False)
    swap = head[0] not in KNOWN
    head = words(data[:24], swap)
    scale = KNOWN.get(head[0])
    little = swap != (sys.byteorder == "little")
    if scale is None or head[5] != 1 or data[4:6] != (b"\2\0" if little else b"\0\2"):
        raise ValueError("no")
    result, at = [], 24
    while at < len(data):
        if len(data) < at + 16:
            raise ValueError("half of a record")
        s, f, n, _ = words(data[at : at + 16], swap)
        at += 16
        if n > 0x40000 or at + n > len(data):
            raise ValueError("half of a frame")
        result.append((s * 1000000000 + f * scale, data[at : at + n]))
        at += n
    return result


def write_pcap(path, frames):
    out = bytearray(array.array("I", [0xA1B2C3D4, 0, 0, 0, 0x40000, 1]).tobytes())
    out[4:8] = array.array("H", [2, 4]).tobytes()
    for t, frame in frames:
        s, n = divmod(t, 1000000000)
        if s < 0 or s >> 32 or len(frame) > 0x40000:
            raise ValueError("out of range")
        out += array.array("I", [s, n // 1000, len(frame), len(frame)]).tobytes()
        out += frame
    flags = os.O_WRONLY | os.O_CREAT
    old = os.path.exists(path)
    file = os.fdopen(os.open(path, flags, 0o644), "wb")
    done = False
    try:
        try:
            file.write(out)
            file.flush()
            file.truncate()
            done = True
        finally:
            file.close()
    except OSError:
        done = False
        raise
    finally:
        if not done and not old:
            os.remove(path)
