"""A thread feeds the program; the caller reads."""

import socket
import subprocess
import threading


def feed(sock: socket.socket, data: bytes) -> None:
    try:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        pass
    except OSError:
        sock.shutdown(socket.SHUT_RDWR)
        raise


class Feeder(threading.Thread):
    def __init__(self, sock: socket.socket, data: bytes) -> None:
        super().__init__()
        self.sock, self.data, self.error = sock, data, None

    def run(self) -> None:
        try:
            feed(self.sock, self.data)
        except OSError as error:
            self.error = error


def read_all(sock: socket.socket) -> bytes:
    pieces = []
    try:
        while piece := sock.recv(1 << 16):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def run_filter(argv: list[str], data: bytes) -> bytes:
    mine, its = socket.socketpair()
    try:
        process = subprocess.Popen(argv, stdin=its.fileno(), stdout=its.fileno())
    except BaseException:
        mine.close()
        raise
    finally:
        its.close()
    feeder = Feeder(mine, data)
    try:
        feeder.start()
        reply = read_all(mine)
        feeder.join()
        if feeder.error:
            raise feeder.error
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        if feeder.ident:
            feeder.join()
        raise
    finally:
        mine.close()
    if code:
        raise subprocess.CalledProcessError(code, argv, output=reply)
    return reply
