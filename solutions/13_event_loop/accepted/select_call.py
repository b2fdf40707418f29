"""A chat room around select.select(): two dictionaries, and no class for a client."""

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


heard: dict[socket.socket, bytes] = {}
owed: dict[socket.socket, bytes] = {}


def leave(sock: socket.socket) -> None:
    if sock in heard:
        del heard[sock], owed[sock]
        sock.close()


def write(sock: socket.socket) -> None:
    try:
        owed[sock] = owed[sock][sock.send(owed[sock]) :]
    except BlockingIOError:
        pass
    except OSError:
        leave(sock)


def pass_on(line: bytes, sender: socket.socket) -> None:
    for sock in [sock for sock in owed if sock is not sender]:
        owed[sock] += line
        if len(owed[sock]) > MOST:
            leave(sock)


def read(sock: socket.socket) -> None:
    try:
        data = sock.recv(1000)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    *lines, heard[sock] = (heard[sock] + data).split(b"\n")
    for line in lines:
        if len(line) > 4096:
            leave(sock)
            return
        pass_on(line + b"\n", sock)
    if not data or len(heard[sock]) > 4096:
        leave(sock)


def accept(listener: socket.socket) -> bool:
    try:
        sock = listener.accept()[0]
    except OSError:
        return False
    sock.setblocking(False)
    heard[sock] = owed[sock] = b""
    return True


def serve(port: str) -> None:
    listener = open_listener(port)
    closed_until = 0.0
    try:
        while True:
            patience = closed_until - time.monotonic()
            doors = [listener] if patience <= 0 else []
            waiting = [sock for sock in owed if owed[sock]]
            limit = None if doors else patience
            readable, writable, _ = select.select([*doors, *heard], waiting, [], limit)
            for sock in writable:
                write(sock)
            for sock in readable:
                if sock in heard:
                    read(sock)
                elif sock is listener and not accept(listener):
                    closed_until = time.monotonic() + 0.02
    finally:
        for sock in list(heard):
            leave(sock)
        listener.close()
