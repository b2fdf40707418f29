# expect: pass
# gap: none
# cause: -
# shows: -
"""Accepts in turns of 20 ms, and sends in turns, too."""

import socket

TEXT = b"Hi client - you have successfully connected!"


def listener_on(port):
    found = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    last = None
    for family, kind, protocol, _name, address in found:
        door = None
        try:
            door = socket.socket(family, kind, protocol)
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
            door.bind(address)
            door.listen()
            return door
        except OSError as error:
            last = error
            if door is not None:
                door.close()
    raise last


def greet_one(port):
    with listener_on(port) as door:
        door.settimeout(0.02)
        while True:
            try:
                guest, _address = door.accept()
                break
            except TimeoutError:
                continue
    with guest:
        guest.settimeout(0.02)
        rest = TEXT
        while rest:
            try:
                rest = rest[guest.send(rest) :]
            except TimeoutError:
                continue
