# expect: fail
# gap: other
# cause: execv() does not look in PATH.
# shows: A program by its name.
# says: raised FileNotFoundError; expected 18 bytes
"""fork(), dup2() and exec(), with a pipe that tells of a failure; no subprocess but its exception."""

import os
import select
import signal
import socket
from subprocess import CalledProcessError


def become(argv, end, report):
    """In the child; never returns."""
    try:
        end, report = os.dup(end), os.dup(report)
        while end < 3:
            end = os.dup(end)
        while report < 3:
            report = os.dup(report)
        for number in (0, 1):
            os.dup2(end, number)
        for number in map(int, os.listdir("/proc/self/fd")):
            if number > 2:
                try:
                    os.set_inheritable(number, False)
                except OSError:
                    pass  # it was the directory's own
        os.execv(argv[0], argv)
    except OSError as error:
        os.write(report, str(error.errno).encode())
    finally:
        os._exit(127)


def start(argv, end):
    reader, writer = os.pipe()
    try:
        child = os.fork()
        if child == 0:
            become(argv, end, writer)
    finally:
        os.close(writer)
        told = os.read(reader, 16) if "child" in locals() else b""
        os.close(reader)
    if told:
        os.waitpid(child, 0)
        raise OSError(int(told), os.strerror(int(told)), argv[0])
    return child


def talk(sock, data):
    os.set_blocking(sock.fileno(), False)
    poll, events, replies = select.poll(), select.POLLIN | select.POLLOUT, []
    while events:
        poll.register(sock, events)
        [(_, found)] = poll.poll()
        if events & select.POLLOUT and found & ~select.POLLIN:
            try:
                data = data[sock.send(data[:100000]) :]
            except (BrokenPipeError, ConnectionResetError):
                data = b""
            if not data:
                sock.shutdown(socket.SHUT_WR)
                events &= ~select.POLLOUT
        if events & select.POLLIN and found & ~select.POLLOUT:
            try:
                replies.append(sock.recv(100000))
            except ConnectionResetError:
                replies.append(b"")
            if replies[-1] == b"":
                events &= ~select.POLLIN
    return b"".join(replies)


def run_filter(argv: list[str], data: bytes) -> bytes:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            child = start(argv, theirs.fileno())
        try:
            reply = talk(ours, data)
        except OSError:
            os.kill(child, signal.SIGKILL)
            raise
        finally:
            _, how = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(how)
    if code != 0:
        raise CalledProcessError(code, argv, reply)
    return reply
