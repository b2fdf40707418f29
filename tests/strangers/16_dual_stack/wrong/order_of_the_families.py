# expect: fail
# gap: implicit-v6only
# cause: IPV6_V6ONLY is not set on the IPv6 socket: where its default is 0, it takes the IPv4 port too, and bind() fails with EADDRINUSE.
# shows: net.ipv6.bindv6only is 0.
# says: bind() raised OSError (EADDRINUSE): IPV6_V6ONLY was not set before the IPv6 socket was bound; its default is 0 here, so that this socket wants the IPv4 port, too
import errno
import selectors
import socket
import time

LOST = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def listener_of(family, port):
    info = socket.getaddrinfo(None, port, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0]
    listener = socket.socket(*info[:3])
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(info[4])
        listener.listen()
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def open_all(port):
    opened = [listener_of(socket.AF_INET, port)]
    try:
        opened.append(listener_of(socket.AF_INET6, port))
    except OSError as error:
        if error.errno != errno.EAFNOSUPPORT:
            opened[0].close()
            raise
    return opened


def tell_one(listener):
    try:
        connection, address = listener.accept()
    except BlockingIOError:
        return
    except OSError as error:
        if error.errno in LOST:
            raise
        time.sleep(0.01)
        return
    with connection:
        try:
            connection.setblocking(True)
            connection.sendall(address[0].encode())
        except OSError:
            pass


def serve(port):
    opened = open_all(port)
    try:
        with selectors.DefaultSelector() as selector:
            for listener in opened:
                selector.register(listener, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    tell_one(key.fileobj)
    finally:
        for listener in opened:
            listener.close()
