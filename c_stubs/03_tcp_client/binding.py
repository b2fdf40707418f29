"""fetch: two names in, the reply or OSError out."""


def fetch(c, host, port, room=262144):
    reply = c.room(room)
    size = room if isinstance(room, int) else len(room)
    result = c.call(c.lib.fetch, c.text(host), c.text(port), reply, size)
    return c.length(result, reply, room)
