"""serve: four texts in, OSError out; while it serves, nothing."""


def serve(c, port, host, service, log):
    return c.status(c.call(c.lib.serve, c.text(port), c.text(host), c.text(service), c.text(log)))
