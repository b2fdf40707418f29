"""socketpair: a list of arguments and bytes in; the reply, or it with a status, out."""

UNSET = 0x5A5A5A


def run_filter(c, argv, data, room=65536, status=1):
    texts = [c.text(text) for text in argv]
    reply, told = c.room(room), c.ffi.new("int *", UNSET)
    size, length = (value if isinstance(value, int) else len(value) for value in (room, data))
    result = c.call(
        c.lib.run_filter, c.ffi.new("char *[]", [*texts, c.ffi.NULL]), c.bytes(data), length,
        reply, size, told if isinstance(status, int) else c.ffi.NULL,
    )  # fmt: skip
    answer = c.length(result, reply, room)
    return [answer, told[0]] if told[0] else answer
