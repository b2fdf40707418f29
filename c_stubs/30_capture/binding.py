"""capture: a name, two numbers and a path in, nothing or OSError out."""


def capture(c, interface, port, count, path):
    return c.status(c.call(c.lib.capture, c.text(interface), port, count, c.text(path)))
