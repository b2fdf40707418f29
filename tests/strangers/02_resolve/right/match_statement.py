# expect: pass
# gap: none
# cause: -
# shows: -
import socket
from socket import AF_INET, AF_INET6, AI_PASSIVE, EAI_NONAME, EAI_SYSTEM, SOCK_STREAM, gaierror


class Listing:
    """Keeps endpoints in the order in which they came, each once."""

    def __init__(self):
        self.lines = []

    def add(self, entry):
        match entry:
            case (family, _, _, _, (str(host), int(port), *_)) if family in (AF_INET, AF_INET6):
                packed = socket.inet_pton(family, host.split("%", 1)[0])
                host = socket.inet_ntop(family, packed)
                line = f"{host}:{port}" if family == AF_INET else f"[{host}]:{port}"
            case _:
                return
        if line not in self.lines:
            self.lines.append(line)


def resolve(host: str | None, service: str) -> list[str]:
    listing = Listing()
    try:
        entries = socket.getaddrinfo(host, service, 0, SOCK_STREAM, 0, 0 if host is not None else AI_PASSIVE)
    except gaierror:
        raise
    except UnicodeError as trouble:
        raise gaierror(EAI_NONAME, str(trouble)) from trouble
    except OSError as trouble:
        raise gaierror(EAI_SYSTEM, trouble.strerror) from trouble
    for entry in entries:
        listing.add(entry)
    return listing.lines
