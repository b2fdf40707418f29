# expect: fail
# gap: other
# cause: ipaddress writes addresses otherwise than inet_ntop(): ::1.2.3.4 becomes ::102:304.
# shows: A client at ::1.2.3.4.
# says: sendall() tells the client '::102:304'; its address is ::1.2.3.4, as inet_ntop() writes it
import errno
import ipaddress
import socket
import time


def open_listener(port):
    for family in (socket.AF_INET6, socket.AF_INET):
        try:
            listener = socket.socket(family, socket.SOCK_STREAM)
            break
        except OSError as error:
            if family == socket.AF_INET or error.errno != errno.EAFNOSUPPORT:
                raise
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(socket.getaddrinfo(None, port, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0][4])
        listener.listen(20)
    except BaseException:
        listener.close()
        raise
    return listener


def name_of(peer):
    address = ipaddress.ip_address(peer[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def serve(port):
    listener = open_listener(port)
    try:
        while True:
            try:
                connection, peer = listener.accept()
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.02)
                continue
            try:
                connection.sendall(name_of(peer).encode("ascii"))
            except OSError:
                pass
            connection.close()
    finally:
        listener.close()
