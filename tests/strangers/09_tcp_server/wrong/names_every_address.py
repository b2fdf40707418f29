# expect: fail
# gap: other
# cause: 0.0.0.0 is asked for by name, where the contract has getaddrinfo() asked without a host.
# shows: The arguments of getaddrinfo().
# says: is asked for the host 0.0.0.0
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
        "0.0.0.0", port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
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
        connection, _ = listener.accept()
    finally:
        listener.close()  # one client is all there will be

    try:
        connection.sendall(GREETING)
    finally:
        connection.close()
