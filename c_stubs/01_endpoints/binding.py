"""Endpoints: text in and record out, and back; OSError for what is neither."""


def pack_endpoint(c, text, room=19):
    record = c.room(room)
    size = room if isinstance(room, int) else len(room)
    result = c.call(c.lib.pack_endpoint, c.text(text), record, size)
    return c.length(result, record, room)


def unpack_endpoint(c, record, room=64):
    text = c.room(room)
    size = room if isinstance(room, int) else len(room)
    c.status(c.call(c.lib.unpack_endpoint, c.bytes(record), len(record), text, size))
    return c.string(text, size)
