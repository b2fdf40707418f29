# expect: fail
# gap: other
# cause: AI_ADDRCONFIG drops every address of a family of which the machine has none besides loopback, and the list is for other machines, too.
# shows: on a machine without an IPv6 address but ::1: even a numeric IPv6 address is refused.
# says: getaddrinfo(AI_ADDRCONFIG) leaves out all IPv6 addresses where the machine itself has none but loopback
import socket
from collections.abc import Iterator


def _endpoints(host: str | None, service: str) -> Iterator[str]:
    flags = socket.AI_PASSIVE if host is None else socket.AI_ADDRCONFIG
    for family, *_, address in socket.getaddrinfo(host, service, type=socket.SOCK_STREAM, flags=flags):
        name = address[0].partition("%")[0]
        yield f"[{name}]:{address[1]}" if family == socket.AF_INET6 else f"{name}:{address[1]}"


def resolve(host: str | None, service: str) -> list[str]:
    return [*dict.fromkeys(_endpoints(host, service))]
