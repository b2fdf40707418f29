# expect: fail
# gap: other
# cause: SO_LINGER with a time of 0 makes close() throw away what has not been sent and reset the connection.
# shows: Any client: after (or before) the greeting it sees a reset instead of end-of-file.
# says: SO_LINGER
import socket
import struct


def greet_one(port: str) -> None:
    failure = OSError("no address")
    for family, kind, proto, _, address in socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    ):
        try:
            listener = socket.socket(family, kind, proto)
        except OSError as e:
            failure = e
            continue
        with listener:
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                # no TIME_WAIT, please
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                listener.bind(address)
                listener.listen(1)
            except OSError as e:
                failure = e
                continue
            connection, _ = listener.accept()
        with connection:
            connection.sendall(b"Hi client - you have successfully connected!")
        return
    raise failure
