"""send_message, recv_message: payloads in and out, None or OSError."""


def send_message(c, fd, payload):
    return c.status(c.call(c.lib.send_message, fd, c.bytes(payload), len(payload)))


def recv_message(c, fd, room=65536):
    payload = c.room(room)
    size = room if isinstance(room, int) else len(room)
    length = c.ffi.new("size_t *")
    result = c.call(c.lib.recv_message, fd, payload, size, length)
    if result == 1:
        return c.length(length[0], payload, room)
    return c.status(result, "1, 0 and -1")
