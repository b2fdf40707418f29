"""send_reliably: bytes in, OSError out.  recv_reliably: bytes out, in a buffer of room bytes."""


def send_reliably(c, host, port, data, seconds):
    where = c.text(host), c.text(port)
    return c.status(c.call(c.lib.send_reliably, *where, c.bytes(data), len(data), round(seconds * 1000)))


def recv_reliably(c, port, seconds, room=65536):
    data = c.room(room)
    size = room if isinstance(room, int) else len(room)
    return c.length(c.call(c.lib.recv_reliably, c.text(port), data, size, round(seconds * 1000)), data, room)
