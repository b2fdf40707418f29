"""send_all: bytes in, None or OSError out."""


def send_all(c, fd, data):
    return c.status(c.call(c.lib.send_all, fd, c.bytes(data), len(data)))
