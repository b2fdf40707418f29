"""query: two names, a question and its limits in, the answer or OSError out."""


def query(c, host, port, question, attempts, seconds, room=65536):
    answer = c.room(room)
    size = room if isinstance(room, int) else len(room)
    limits = attempts, round(seconds * 1000)
    text = c.text(host), c.text(port)
    result = c.call(c.lib.query, *text, c.bytes(question), len(question), answer, size, *limits)
    return c.length(result, answer, room)
