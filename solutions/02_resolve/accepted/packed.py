"""Endpoints by way of their bytes, and a generator that remembers them."""

from collections.abc import Iterator
from socket import AF_INET6, AF_UNSPEC, AI_PASSIVE, SOCK_STREAM, getaddrinfo, inet_ntop, inet_pton


def resolve(host: str | None, service: str) -> list[str]:
    flags = AI_PASSIVE if host is None else 0
    return list(each_once(getaddrinfo(host, service, AF_UNSPEC, SOCK_STREAM, 0, flags)))


def each_once(entries: list) -> Iterator[str]:
    seen = set()
    for family, _kind, _protocol, _name, sockaddr in entries:
        key = inet_pton(family, sockaddr[0].partition("%")[0]), sockaddr[1]
        if key in seen:
            continue
        seen.add(key)
        text = inet_ntop(family, key[0])
        yield f"[{text}]:{key[1]}" if family == AF_INET6 else f"{text}:{key[1]}"
