"""resolve: two names in, a list of endpoints, gaierror or OSError out."""

import socket


def resolve(c, host, service, room=1024):
    text = c.room(room)
    size = room if isinstance(room, int) else len(room)
    code = c.call(c.lib.resolve, c.text(host), c.text(service), text, size)
    if code == socket.EAI_SYSTEM:
        raise c.error("returned EAI_SYSTEM")
    if code != 0:
        raise socket.gaierror(code, "returned")
    lines = c.string(text, size)
    # A text whose last line has no end is handed over as it is.
    return lines.splitlines() if lines.endswith("\n") else lines
