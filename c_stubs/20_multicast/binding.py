"""announce: a message in, OSError out.  hear: a datagram out, in a buffer of room bytes."""


def announce(c, group, port, interface, message):
    names = c.text(group), c.text(port), c.text(interface)
    return c.status(c.call(c.lib.announce, *names, c.bytes(message), len(message)))


def hear(c, group, port, interface, room=65507):
    message = c.room(room)
    size = room if isinstance(room, int) else len(room)
    names = c.text(group), c.text(port), c.text(interface)
    return c.length(c.call(c.lib.hear, *names, message, size), message, room)
