# expect: fail
# gap: open-listener
# cause: The with statement of the listening socket goes round everything: it is closed after the client has been served, not once he is accepted.
# shows: A second client connects while the first is being greeted (or the order of the calls is looked at).
import socket

MESSAGE = b"Hi client - you have successfully connected!"


def bound_socket(port):
    last = None
    for family, kind, proto, _, address in socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    ):
        try:
            server = socket.socket(family, kind, proto)
        except OSError as e:
            last = e
            continue
        try:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(address)
            return server
        except OSError as e:
            server.close()
            last = e
    raise last


def greet_one(port: str) -> None:
    with bound_socket(port) as server:
        server.listen(1)
        client, _ = server.accept()
        with client:
            client.sendall(MESSAGE)
