"""greet_one: a port in, None or OSError out."""


def greet_one(c, port):
    return c.status(c.call(c.lib.greet_one, c.text(port)))
