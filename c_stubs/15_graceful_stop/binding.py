"""serve: a port in, None after SIGTERM, or OSError out."""


def serve(c, port):
    return c.status(c.call(c.lib.serve, c.text(port)))
