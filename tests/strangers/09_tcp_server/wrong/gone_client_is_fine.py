# expect: fail
# gap: broken-pipe
# cause: The errors of sending are suppressed: a client that had gone before the greeting is not reported.
# shows: The client resets its connection before it is greeted.
import contextlib
import socket


def open_listener(port):
    infos = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    for i, (family, kind, proto, _, address) in enumerate(infos):
        sock = None
        try:
            sock = socket.socket(family, kind, proto)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(1)
            return sock
        except OSError:
            if sock is not None:
                sock.close()
            if i + 1 == len(infos):
                raise


def greet_one(port: str) -> None:
    with open_listener(port) as listener:
        client, _ = listener.accept()
    with client, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.sendall(b"Hi client - you have successfully connected!")
