"""The sockets of a process, with a directory of /proc held open: whoever has its number later is another."""

import os
import re
import socket
from array import array

STATE = re.compile("State:\t(.)")


class Process:
    """A process, by its directory in /proc."""

    def __init__(self, pid):
        try:
            self.directory = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError as error:
            raise ProcessLookupError(3, os.strerror(3)) from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.directory)

    def open(self, name):
        return os.open(name, os.O_RDONLY, dir_fd=self.directory)

    def read(self, name):
        chunks = []
        fd = self.open(name)
        try:
            while chunk := os.read(fd, 4096):
                chunks.append(chunk)
        finally:
            os.close(fd)
        return b"".join(chunks)

    def is_alive(self):
        try:
            return STATE.search(self.read("status").decode(errors="replace"))[1] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def rows(self, table):
        try:
            text = self.read(f"net/{table}")
        except (FileNotFoundError, ProcessLookupError):
            return
        yield from text.split(b"\n")[1:-1]

    def inodes(self):
        fd = self.open("fd")
        try:
            for number in os.listdir(fd):
                try:
                    target = os.readlink(number, dir_fd=fd)
                except FileNotFoundError:
                    continue
                kind, _, inode = target.partition(":")
                if kind == "socket":
                    yield int(inode.strip("[]"))
        finally:
            os.close(fd)


def endpoint(text):
    host, port = text.split(b":")
    if port == b"0000":
        return b"-"
    words = array("I", (int(host[at : at + 8], 16) for at in range(0, len(host), 8)))
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    shown = socket.inet_ntop(family, words.tobytes())
    form = "%s:%d" if family == socket.AF_INET else "[%s]:%d"
    return (form % (shown, int(port, 16))).encode()


TCP = b"? ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING".split()
UDP = {1: b"ESTABLISHED", 7: b"UNCONN"}


def lines(process, wanted):
    for table in "tcp", "tcp6", "udp", "udp6":
        for row in process.rows(table):
            fields = row.split()
            if int(fields[9]) in wanted:
                state = int(fields[3], 16)
                word = TCP[state] if table.startswith("tcp") else UDP[state]
                yield b"%s %s %s %s" % (table.encode(), word, endpoint(fields[1]), endpoint(fields[2]))
    for row in process.rows("unix"):
        *_, flags, _, state, rest = row.split(maxsplit=6)
        inode, _, name = rest.partition(b" ")
        if int(inode) in wanted:
            word = b"LISTEN" if int(flags, 16) & 1 << 16 else b"CONNECTED" if state == b"03" else b"UNCONN"
            yield b"unix %s %s" % (word, name or b"-")


def sockets_of(pid: int) -> list[str]:
    with Process(pid) as process:
        try:
            found = list(map(os.fsdecode, sorted(lines(process, frozenset(process.inodes())))))
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            if process.is_alive():
                raise
            return []
        return found if process.is_alive() else []
