"""Names to endpoints: every address that a service can be reached at, once."""

import socket


def resolve(host: str | None, service: str) -> list[str]:
    """Return the endpoints of a stream service, in the order of getaddrinfo().

    Without a host they are those to listen on.

    Raises:
        socket.gaierror: the host or the service is unknown.
    """
    candidates = socket.getaddrinfo(
        host, service, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    endpoints = [endpoint(*address[:2]) for *_, address in candidates]
    return list(dict.fromkeys(endpoints))


def endpoint(host: str, port: int) -> str:
    """Write "192.0.2.1:3490" or "[2001:db8::1]:3490"."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
