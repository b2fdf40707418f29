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
    try:
        candidates = socket.getaddrinfo(
            None, port, socket.AF_INET, socket.SOCK_STREAM
        )
    except OSError:
        raise OSError(f"cannot listen on {port}") from None
    for family, kind, protocol, _, address in candidates:
        try:
            connection = socket.socket(family, kind, protocol)
        except OSError as refusal:
            error = refusal
            continue
        try:
            listener.bind(address)
            break
        except OSError as refusal:
            error = refusal
    else:
        raise error

    listener.listen(10)
    connection, _ = listener.accept()

    try:
        connection.send(GREETING[:13])
    except ConnectionError:
        pass  # the client did not wait
    finally:
        connection.close()
        listener.close()
