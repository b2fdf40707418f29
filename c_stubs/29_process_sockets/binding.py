"""sockets_of: a process id in, a list of lines or OSError out."""


def sockets_of(c, pid, room=1 << 17):
    text = c.room(room)
    size = room if isinstance(room, int) else len(room)
    length = c.call(c.lib.sockets_of, pid, text, size)
    return c.lines(length, text, room)
