"""LineReader and read_line: a socket in, lines, None or OSError out."""

readers = []


def LineReader(c, fd):  # noqa: N802 - named as in Python
    memory = c.room(c.ffi.sizeof("struct line_reader"))
    readers[:] = [(c.ffi.cast("struct line_reader *", memory), memory)]
    c.lib.line_reader_init(readers[0][0], fd)


def read_line(c, room=1024):
    line = c.room(room)
    size = room if isinstance(room, int) else len(room)
    result = c.call(c.lib.read_line, readers[0][0], line, size)
    return None if result == -2 else c.length(result, line, room)
