"""serve: a port in, OSError out; while it serves, nothing."""


def serve(c, port):
    return c.status(c.call(c.lib.serve, c.text(port)))
