"""traceroute: a name and two limits in, a list of lines or OSError out."""


def traceroute(c, host, max_hops, seconds, room=8192):
    text = c.room(room)
    size = room if isinstance(room, int) else len(room)
    count = c.call(c.lib.traceroute, c.text(host), max_hops, round(seconds * 1000), text, size)
    return c.counted_lines(count, text, room)
