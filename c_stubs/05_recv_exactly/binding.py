"""recv_exactly: a count in, the bytes that came or OSError out."""


def recv_exactly(c, fd, count):
    data = c.room(count)
    size = count if isinstance(count, int) else len(count)
    return c.length(c.call(c.lib.recv_exactly, fd, data, size), data, count)
