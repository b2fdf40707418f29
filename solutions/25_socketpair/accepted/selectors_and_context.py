"""Popen as a context, selectors for the two directions."""

import selectors
import subprocess
from socket import SHUT_WR, socketpair

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def run_filter(argv, data):
    parent, child = socketpair()
    with parent, selectors.PollSelector() as selector:
        with child:
            program = subprocess.Popen(argv, stdin=child, stdout=child)
        with program:
            try:
                parent.setblocking(False)
                output = exchange(selector, parent, data)
            except BaseException:
                program.kill()
                raise
    if program.returncode:
        raise subprocess.CalledProcessError(program.returncode, argv, output)
    return output


def exchange(selector, sock, data):
    output, position, interest = b"", 0, READ | WRITE
    selector.register(sock, interest)
    while interest:
        selector.modify(sock, interest)
        [(_, events)] = selector.select()
        if events & WRITE:
            try:
                position += sock.send(data[position : position + 65536])
            except (BrokenPipeError, ConnectionResetError):
                position = len(data)
            if position == len(data):
                sock.shutdown(SHUT_WR)
                interest &= ~WRITE
        if events & READ:
            try:
                piece = sock.recv(65536)
            except ConnectionResetError:
                piece = b""
            output += piece
            if not piece:
                interest &= ~READ
    return output
