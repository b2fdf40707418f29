"""fd_passing: a descriptor in; a descriptor or OSError out."""


def send_fd(c, sock, fd):
    return c.status(c.call(c.lib.send_fd, sock, fd))


def recv_fd(c, sock):
    return c.descriptor(c.call(c.lib.recv_fd, sock))
