"""peel: a frame in, a list of lines or OSError out."""


def peel(c, frame, room=1024):
    text = c.room(room)
    size = room if isinstance(room, int) else len(room)
    length = c.call(c.lib.peel, c.bytes(frame), len(frame), text, size)
    return c.lines(length, text, room)
