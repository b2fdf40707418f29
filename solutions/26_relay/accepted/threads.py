"""A tapping relay with two threads for each client, one for each direction."""

import contextlib
import errno
import os
import socket
import threading
import time


def listen_on(port):
    """Listen on port, on every IPv4 address of this machine."""
    error = OSError(errno.EADDRNOTAVAIL, "no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except OSError as refusal:
            error = refusal
            listener.close()
        else:
            return listener
    raise error


def reach(addresses):
    """Connect to whichever address answers; None if none does."""
    for family, kind, protocol, _, address in addresses:
        with contextlib.suppress(OSError):
            target = socket.socket(family, kind, protocol)
            try:
                target.connect(address)
            except OSError:
                target.close()
                raise
            return target
    return None


class Talk:
    """A client and its target."""

    def __init__(self, number, log):
        self.number = number
        self.log = log
        self.socks = {}
        self.lock = threading.Lock()
        self.ended = set()
        self.is_over = False

    def note(self, side, what):
        line = memoryview(f"{self.number} {side} {what}\n".encode("ascii"))
        while line:
            line = line[os.write(self.log, line) :]

    def stop(self):
        """Wake the other thread, wherever it waits."""
        self.is_over = True
        for sock in self.socks.values():
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def lose(self, side):
        """One of the connections is broken."""
        with self.lock:
            try:
                if not self.is_over and side not in self.ended:
                    self.ended.add(side)
                    self.note(side, "reset")
            finally:
                self.stop()

    def pump(self, side, other):
        """Pass on what a side says, until it ends or all is over."""
        source, sink = self.socks[side], self.socks[other]
        while True:
            try:
                data = source.recv(16384)
            except OSError:
                self.lose(side)
                return
            if not data:
                break
            self.note(side, f"{len(data)} {data.hex()}")
            try:
                sink.sendall(data)
            except OSError:
                self.lose(other)
                return
        with self.lock:
            if self.is_over:
                return
            self.ended.add(side)
            self.note(side, "eof")
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.lose(other)

    def run(self, side, other):
        try:
            self.pump(side, other)
        except OSError:  # of the log
            with self.lock:
                self.stop()

    def attend(self, client, addresses):
        """Be a client's thread."""
        with client:
            target = reach(addresses)
            if target is None:
                return
            with target:
                self.socks = {">": client, "<": target}
                back = threading.Thread(target=self.run, args=("<", ">"), daemon=True)
                try:
                    back.start()
                except RuntimeError:
                    return
                self.run(">", "<")
                back.join()


def serve(port: str, host: str, service: str, log: str) -> None:
    addresses = socket.getaddrinfo(host, service, type=socket.SOCK_STREAM)
    with listen_on(port) as listener:
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        number = 0
        try:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError as error:
                    if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                    time.sleep(0.02)
                    continue
                number += 1
                talk = Talk(number, file)
                try:
                    threading.Thread(target=talk.attend, args=(client, addresses), daemon=True).start()
                except RuntimeError:
                    client.close()
        finally:
            os.close(file)
