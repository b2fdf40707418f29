# expect: fail
# gap: other
# cause: groupby() drops an entry only if the one before it is equal; the same address further down the list stays.
# shows: getaddrinfo() gives an address, another one, and the first again.
# says: returned '110.0.0.7:3490' twice
import itertools
import socket


def resolve(host: str | None, service: str) -> list[str]:
    def written(entry):
        address, port = entry[4][:2]
        return f"[{address}]:{port}" if entry[0] == socket.AF_INET6 else f"{address}:{port}"

    try:
        answers = socket.getaddrinfo(
            host,
            service,
            family=socket.AF_UNSPEC,
            type=socket.SOCK_STREAM,
            flags=0 if host is not None else socket.AI_PASSIVE,
        )
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from None
    return [text for text, _ in itertools.groupby(answers, key=written)]
