# expect: pass
# gap: none
# cause: -
# shows: -
import contextlib
import socket

GREETING = b"Hi client - you have successfully connected!"


def _listening(stack, port):
    candidates = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    problem = None
    for family, kind, proto, _, address in candidates:
        with contextlib.ExitStack() as attempt:
            try:
                sock = attempt.enter_context(socket.socket(family, kind, proto))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(address)
                sock.listen(1)
            except OSError as error:
                problem = error
                continue
            stack.push(attempt.pop_all())
            return sock
    raise problem


def greet_one(port: str) -> None:
    with contextlib.ExitStack() as client:
        with contextlib.ExitStack() as server:
            listener = _listening(server, port)
            listener.settimeout(None)
            connection, _ = listener.accept()
            client.enter_context(connection)
        connection.settimeout(None)
        connection.sendall(GREETING)
