# expect: pass
# gap: none
# cause: -
# shows: -
import concurrent.futures
import functools
import socket


@functools.singledispatch
def _as_error(error):
    return error


@_as_error.register
def _(error: UnicodeError):
    return socket.gaierror(socket.EAI_NONAME, f"no such name ({error})")


@_as_error.register
def _(error: OSError):
    return socket.gaierror(socket.EAI_SYSTEM, str(error))


@_as_error.register
def _(error: socket.gaierror):
    return error


FORMS = {socket.AF_INET: "{}:{}", socket.AF_INET6: "[{}]:{}"}


def resolve(host: str | None, service: str) -> list[str]:
    passive = socket.AI_PASSIVE if host is None else socket.AddressInfo(0)
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        answer = pool.submit(
            socket.getaddrinfo, host, service, socket.AF_UNSPEC, socket.SOCK_STREAM, socket.IPPROTO_TCP, passive
        )
    if (error := answer.exception()) is not None:
        raise _as_error(error)
    endpoints = []
    for family, _, _, _, address in answer.result():
        if family in FORMS:
            endpoints.append(FORMS[family].format(address[0], address[1]))
    return sorted(set(endpoints), key=endpoints.index)
