# expect: pass
# gap: none
# cause: -
# shows: -
import errno
import select
import socket
import time


def serve(port):
    table = {}
    poller = select.poll()
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(None, port, 0, socket.SOCK_STREAM, 0, socket.AI_PASSIVE):
            try:
                listener = socket.socket(family, kind, protocol)
            except OSError as error:
                if family != socket.AF_INET6 or error.errno != errno.EAFNOSUPPORT:
                    raise
                continue
            table[listener.fileno()] = listener
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(5)
            listener.setblocking(False)
            poller.register(listener, select.POLLIN)
        while True:
            for fd, _ in poller.poll(3000):
                try:
                    client, who = table[fd].accept()
                except BlockingIOError:
                    continue
                except OSError as error:
                    if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                    time.sleep(0.01)
                    continue
                client.settimeout(10)
                try:
                    client.sendall(who[0].encode())
                except OSError:
                    pass
                finally:
                    client.close()
    finally:
        for listener in table.values():
            listener.close()
