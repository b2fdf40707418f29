"""A chat room around select.select(), without a class."""

import select
import socket
import time

MOST = 1 << 16


def open_listener(port: str) -> socket.socket:
    info = socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    )[0]
    listener = socket.socket(*info[:3])
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(info[4])
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def serve(port: str) -> None:
    listener = open_listener(port)
    heard: dict[socket.socket, bytes] = {}
    owed: dict[socket.socket, bytes] = {}
    not_before = 0.0

    def leave(sock: socket.socket) -> None:
        if sock in heard:
            del heard[sock], owed[sock]
            sock.close()

    try:
        while True:
            patience = not_before - time.monotonic()
            doors = [] if patience > 0 else [listener]
            readable, writable, _ = select.select(
                [*doors, *heard], [s for s in owed if owed[s]], [], None if doors else patience
            )
            for sock in writable:
                try:
                    owed[sock] = owed[sock][sock.send(owed[sock]) :]
                except (BlockingIOError, InterruptedError):
                    pass
                except OSError:
                    leave(sock)
            for sock in readable:
                if sock is listener:
                    try:
                        client = listener.accept()[0]
                    except OSError:
                        not_before = time.monotonic() + 0.02
                        continue
                    client.setblocking(False)
                    heard[client] = owed[client] = b""
                elif sock in heard:
                    try:
                        data = sock.recv(1000)
                    except BlockingIOError:
                        continue
                    except OSError:
                        data = b""
                    *lines, rest = (heard[sock] + data).split(b"\n")
                    heard[sock] = rest
                    for line in lines:
                        if len(line) > 4096:
                            data = b""
                            break
                        for other in list(owed):
                            if other is not sock:
                                owed[other] += line + b"\n"
                                if len(owed[other]) > MOST:
                                    leave(other)
                    if not data or len(rest) > 4096:
                        leave(sock)
    finally:
        for sock in [*heard, listener]:
            sock.close()
