"""send_message, recv_message: payloads in and out, None or OSError."""

from grader.learner.program import ContractBroken

# What the caller's variable happens to hold.
UNTOUCHED = 0xA5A5A5A5


def send_message(c, fd, payload):
    return c.status(c.call(c.lib.send_message, fd, c.bytes(payload), len(payload)))


def recv_message(c, fd, room=65536):
    payload = c.room(room)
    size = room if isinstance(room, int) else len(room)
    length = c.ffi.new("size_t *", UNTOUCHED)
    result = c.call(c.lib.recv_message, fd, payload, size, length)
    if result == 1:
        if length[0] == UNTOUCHED:
            raise ContractBroken("returned 1 and stored no length in *len")
        return c.length(length[0], payload, room)
    return c.status(result, "1, 0 and -1")
