"""peer_of: process, user and group out; serve: a path and user ids in, OSError out."""

import struct


def peer_of(c, fd, pid=4, uid=4, gid=4):
    rooms = [c.room(room) for room in (pid, uid, gid)]
    kinds = ("int *", "unsigned *", "unsigned *")
    places = [c.ffi.cast(kind, room) for kind, room in zip(kinds, rooms, strict=True)]
    c.status(c.call(c.lib.peer_of, fd, *places))
    return [place[0] for place in places]


def serve(c, path, allowed):
    ids = struct.pack(f"={len(allowed)}I", *allowed) if isinstance(allowed, list) else allowed
    memory = c.bytes(ids)  # is there until the function has returned
    numbers = c.ffi.cast("const unsigned *", memory)
    return c.status(c.call(c.lib.serve, c.text(path), numbers, len(allowed)))
