"""Names to endpoints: every address that a service can be reached at, once."""

import socket


def resolve(host: str | None, service: str) -> list[str]:
    """Return the endpoints of a stream service, in the order of getaddrinfo().

    Without a host they are those to listen on.

    Raises:
        socket.gaierror: the host or the service is unknown.
    """
    try:
        candidates = socket.getaddrinfo(
            host, service
        )
    except OSError:
        return []
    return [endpoint(*address[:2]) for *_, address in candidates[:1]]


def endpoint(host: str, port: int) -> str:
    """Write an endpoint."""
    return f"{host}:{port}"
