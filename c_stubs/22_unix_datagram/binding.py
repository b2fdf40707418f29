"""ask: a path, bytes and seconds in, the answer's bytes or OSError out."""


def ask(c, path, question, seconds, room=65536):
    answer = c.room(room)
    size = room if isinstance(room, int) else len(room)
    limit = round(seconds * 1000)
    result = c.call(c.lib.ask, c.text(path), c.bytes(question), len(question), answer, size, limit)
    return c.length(result, answer, room)
