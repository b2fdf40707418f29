"""LineReader and read_line: a socket in, lines, None or OSError out."""

readers = []


def LineReader(c, fd):  # noqa: N802 - named as in Python
    # What a caller's memory happens to hold: no two members of it are alike.
    size = c.ffi.sizeof("struct line_reader")
    memory = c.bytes((bytes(range(1, 256)) * (size // 255 + 1))[:size])
    readers.append((c.ffi.cast("struct line_reader *", memory), memory))
    c.lib.line_reader_init(readers[-1][0], fd)


def read_line(c, room=1024, of=-1):
    line = c.room(room)
    size = room if isinstance(room, int) else len(room)
    result = c.call(c.lib.read_line, readers[of][0], line, size)
    return None if result == -2 else c.length(result, line, room)
