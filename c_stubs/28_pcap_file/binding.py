"""read_pcap, write_pcap: frames with their times, packed for C and unpacked."""

import struct

from grader.learner.program import ContractBroken, Null

HEAD = struct.Struct("!QI")


def read_pcap(c, path, room=1 << 20):
    frames = c.room(room)
    size = room if isinstance(room, int) else len(room)
    packed = c.length(c.call(c.lib.read_pcap, c.text(path), frames, size), frames, room)
    return unpacked(packed)


def write_pcap(c, path, frames):
    is_packed = isinstance(frames, (bytes, Null))
    packed = frames if is_packed else b"".join(HEAD.pack(time, len(frame)) + frame for time, frame in frames)
    return c.status(c.call(c.lib.write_pcap, c.text(path), c.bytes(packed), len(packed)))


def unpacked(packed):
    frames, at = [], 0
    while at < len(packed):
        if at + HEAD.size > len(packed):
            raise ContractBroken(f"returned {len(packed)}, which ends inside the head of frame {len(frames) + 1}")
        time, length = HEAD.unpack_from(packed, at)
        at += HEAD.size + length
        if at > len(packed):
            raise ContractBroken(f"returned {len(packed)}, and frame {len(frames) + 1} says that it has {length} bytes")
        frames.append((time, packed[at - length : at]))
    return frames
