"""serve: a port, a folder and seconds in, only OSError or ValueError out."""


def serve(c, port, root, seconds):
    return c.status(c.call(c.lib.serve, c.text(port), c.text(root), round(seconds * 1000)))
