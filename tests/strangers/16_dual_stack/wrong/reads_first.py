# expect: fail
# gap: other
# cause: The server waits for the client to send something before it tells it its address.
# shows: A client that sends nothing.
# says: recv() waits for ann to say something, and ann waits for an answer
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
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
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
            connection.recv(100)
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
