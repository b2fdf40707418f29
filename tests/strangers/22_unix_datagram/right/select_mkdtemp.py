# expect: pass
# gap: none
# cause: a folder by mkdtemp(), select() before each call; bound first, and what came before connect() thrown away
# shows: -
import errno
import os
import select
import shutil
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
        shutil.rmtree(folder)
    if len(answer) > 65536:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    return answer
