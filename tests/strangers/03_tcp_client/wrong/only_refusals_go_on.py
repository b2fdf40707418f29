# expect: fail
# gap: first-address-only
# cause: Only a refusal makes the client try the next address; every other failure of one address (no route, host unreachable, timed out, a family that this machine lacks) ends the search.
# shows: The first address fails with ENETUNREACH, EHOSTUNREACH or ETIMEDOUT, and the second one would answer.
import socket


def _open(family, kind, protocol, address):
    sock = socket.socket(family, kind, protocol)
    try:
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _dial(host, port):
    try:
        addresses = socket.getaddrinfo(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "no such name") from None
    refused = None
    for family, kind, protocol, _, address in addresses:
        try:
            return _open(family, kind, protocol, address)
        except ConnectionRefusedError as error:
            refused = error
    raise refused


def fetch(host: str, port: str) -> bytes:
    with _dial(host, port) as sock:
        pieces = []
        while True:
            piece = sock.recv(8192)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
