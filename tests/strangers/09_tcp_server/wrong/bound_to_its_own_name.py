# expect: fail
# gap: not-passive
# cause: The host's own name is looked up for bind(), as in many tutorials, instead of asking for addresses to listen on: the server is bound to one address of the machine.
# shows: A client that connects to any other address of the machine than the one behind its name (127.0.0.2, say, or 127.0.0.1) is refused.
import socket

GREETING = b"Hi client - you have successfully connected!"


def greet_one(port: str) -> None:
    problem = None
    server = None
    for family, kind, proto, _, address in socket.getaddrinfo(
        socket.gethostname(), port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    ):
        try:
            candidate = socket.socket(family, kind, proto)
        except OSError as error:
            problem = error
            continue
        try:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            candidate.bind(address)
        except OSError as error:
            problem = error
            candidate.close()
            continue
        server = candidate
        break
    if server is None:
        raise problem
    with server:
        server.listen(1)
        client, _ = server.accept()
    with client:
        client.sendall(GREETING)
