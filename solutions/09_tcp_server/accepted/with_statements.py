"""Greet one client: every socket closes with its block."""

import contextlib
import socket

GREETING = b"Hi client - you have successfully connected!"


def listening(port):
    trouble = None
    for info in socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE):
        with contextlib.ExitStack() as stack:
            try:
                sock = stack.enter_context(socket.socket(*info[:3]))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(info[4])
                sock.listen()
            except OSError as error:
                trouble = error
            else:
                stack.pop_all()
                return sock
    raise trouble


def greet_one(port):
    with listening(port) as listener:
        connection, _address = listener.accept()
    with connection:
        connection.sendall(GREETING)
