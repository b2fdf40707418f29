"""connect_within: two names and seconds in, a descriptor or OSError out."""


def connect_within(c, host, port, seconds):
    return c.descriptor(c.call(c.lib.connect_within, c.text(host), c.text(port), round(seconds * 1000)))
