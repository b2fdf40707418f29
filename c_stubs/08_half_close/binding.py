"""ask: two names and a request in, the reply or OSError out."""


def ask(c, host, port, request, room=65536):
    reply = c.room(room)
    size = room if isinstance(room, int) else len(room)
    result = c.call(c.lib.ask, c.text(host), c.text(port), c.bytes(request), len(request), reply, size)
    return c.length(result, reply, room)
