"""resolve: two names in, a list of endpoints, gaierror or OSError out."""

import os
import socket

from grader.learner.program import ContractBroken


def resolve(c, host, service, room=1024):
    text = c.room(room)
    size = room if isinstance(room, int) else len(room)
    code = c.call(c.lib.resolve, c.text(host), c.text(service), text, size)
    if code == socket.EAI_SYSTEM:
        if c.ffi.errno == 0:
            raise ContractBroken("returned EAI_SYSTEM with errno 0, so the caller cannot tell why")
        raise OSError(c.ffi.errno, os.strerror(c.ffi.errno))
    if code != 0:
        raise socket.gaierror(code, "returned")
    lines = c.string(text, size)
    # A text whose last line has no end is handed over as it is.
    return lines.splitlines() if lines.endswith("\n") else lines
