# expect: fail
# gap: other
# cause: EAI_AGAIN is taken for "call again" and the loop has no end: as long as no name server answers, the function does not return, and the failure is never raised.
# shows: No name server can be reached: getaddrinfo() gives EAI_AGAIN every time.
# says: getaddrinfo() over and over
import socket


def lookup(host, service):
    while True:
        try:
            return socket.getaddrinfo(
                host, service, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE if host is None else 0
            )
        except socket.gaierror as error:
            if error.errno != socket.EAI_AGAIN:
                raise
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from error


def resolve(host: str | None, service: str) -> list[str]:
    texts = []
    for family, _, _, _, address in lookup(host, service):
        host, port = address[0], address[1]
        text = f"{host}:{port}" if family == socket.AF_INET else f"[{host}]:{port}"
        if text not in texts:
            texts.append(text)
    return texts
