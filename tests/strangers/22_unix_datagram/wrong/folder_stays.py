# expect: fail
# gap: left-path
# cause: The socket is removed, the folder that was made for it is not.
# shows: The function has returned.
# says: bind() makes a path that is left behind
import errno
import os
import select
import socket
import tempfile
import time


def ready(reading, writing, end):
    left = max(0.0, end - time.monotonic())
    if select.select(reading, writing, [], left) == ([], [], []):
        raise TimeoutError(errno.ETIMEDOUT, "timed out")


def drain(sock):
    while True:
        try:
            sock.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return


def talk(sock, path, question, end):
    sock.connect(path)
    drain(sock)
    while True:
        ready([], [sock], end)
        try:
            sock.send(question, socket.MSG_DONTWAIT)
            break
        except BlockingIOError:
            pass
    while True:
        ready([sock], [], end)
        try:
            return sock.recv(65537, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass


def ask(path, question, seconds):
    if not path or path.count("\0") or len(question) > 65536 or seconds < 0 or seconds != seconds:  # noqa: PLR0124
        raise ValueError("bad argument")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, "path")
    end = time.monotonic() + seconds
    folder = tempfile.mkdtemp()
    try:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sock.bind(folder + "/me")
            answer = talk(sock, path, question, end)
        finally:
            sock.close()
    finally:
        if os.path.exists(folder + "/me"):
            os.unlink(folder + "/me")
    if len(answer) > 65536:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    return answer
