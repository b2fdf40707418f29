# expect: fail
# gap: other
# cause: Duplicates are removed with a set and the result is sorted as text, so the order of getaddrinfo, the order in which the addresses should be tried, is lost.
# shows: A name with several addresses whose order is not the alphabetical one (`[::1]` before `127.0.0.1`).
# says: in another order
import socket


def _endpoint(info):
    family, address = info[0], info[4]
    if family == socket.AF_INET6:
        return "[%s]:%d" % (address[0].split("%")[0], address[1])
    return "%s:%d" % address


def resolve(host: str | None, service: str) -> list[str]:
    flags = 0
    if host is None:
        flags |= socket.AI_PASSIVE
    try:
        infos = socket.getaddrinfo(host, service, socket.AF_UNSPEC, socket.SOCK_STREAM, 0, flags)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
    return sorted({_endpoint(i) for i in infos if i[0] in (socket.AF_INET, socket.AF_INET6)})
