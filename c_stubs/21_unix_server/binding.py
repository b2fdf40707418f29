"""serve: a path in, OSError out; while it serves, nothing."""


def serve(c, path):
    return c.status(c.call(c.lib.serve, c.text(path)))
