# expect: fail
# gap: other
# cause: ECONNABORTED makes the server wait for another client, where its only one is to be reported as gone.
# shows: accept() fails with ECONNABORTED.
# says: expected ConnectionAbortedError
"""A server for one client: greet it, and be done."""

import socket

GREETING = b"Hi client - you have successfully connected!"


def greet_one(port: str) -> None:
    """Listen on port, on every IPv4 address of this machine, and send the first
    client the greeting.

    Raises:
        socket.gaierror: the service is unknown.
        OSError: the port cannot be had, or the client is gone.
    """
    candidates = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    for family, kind, protocol, _, address in candidates:
        try:
            listener = socket.socket(family, kind, protocol)
        except OSError as refusal:
            error = refusal
            continue
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            break
        except OSError as refusal:
            error = refusal
            listener.close()
    else:
        raise error

    try:
        listener.listen(10)
        while True:
            try:
                connection, _ = listener.accept()
                break
            except ConnectionAbortedError:
                continue
    finally:
        listener.close()  # one client is all there will be

    try:
        connection.sendall(GREETING)
    finally:
        connection.close()
