# expect: pass
# gap: none
# cause: -
# shows: -
import errno
import socket
import threading
import time

FINAL = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def attend(listener):
    while True:
        try:
            connection, peer = listener.accept()
        except OSError as error:
            if error.errno in FINAL:
                return error
            time.sleep(0.01)
            continue
        try:
            connection.sendall(bytes(connection.getpeername()[0], "ascii"))
        except OSError:
            pass
        finally:
            connection.close()


def serve(port):
    listeners = []
    try:
        for family in (socket.AF_INET, socket.AF_INET6):
            address = socket.getaddrinfo(None, port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][4]
            try:
                listener = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:
                if family == socket.AF_INET6 and error.errno == errno.EAFNOSUPPORT:
                    break
                raise
            listeners.append(listener)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        for other in listeners[1:]:
            threading.Thread(target=attend, args=(other,), daemon=True).start()
        error = attend(listeners[0])
        for other in listeners[1:]:
            other.shutdown(socket.SHUT_RDWR)
        raise error
    finally:
        for listener in listeners:
            listener.close()
