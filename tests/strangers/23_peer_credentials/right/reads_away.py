# expect: pass
# gap: none
# cause: Answers through a file object, half-closes and reads away what the client has said so far
# shows: -
import errno
import os
import socket
import stat
import struct
import threading

FATAL = [getattr(errno, name) for name in "EBADF EINVAL ENOTSOCK EFAULT".split()]


def peer_of(sock):
    cred = struct.unpack("@i2I", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("@i2I")))
    assert len(cred) == 3
    if cred[1] == (1 << 32) - 1:
        raise OSError(errno.ENOTCONN, "not connected")
    return cred


def dismiss(connection, words):
    try:
        with connection.makefile("wb") as out:
            out.write(words)
        connection.shutdown(socket.SHUT_WR)
        connection.setblocking(False)
        while connection.recv(65536):
            pass
    except OSError:
        pass
    finally:
        connection.close()


def make(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        s.bind(path)
    except OSError:
        s.close()
        raise
    return s


def serve(path, allowed):
    if not path or "\0" in path:
        raise ValueError(path)
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    listener = make(path)
    made = os.lstat(path)
    try:
        os.chmod(path, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH)
        listener.listen()
        nap = threading.Event()
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as e:
                if e.errno in FATAL:
                    raise
                nap.wait(0.01)
                continue
            words = b"denied\n"
            try:
                if allowed.index(peer_of(connection)[1]) >= 0:
                    words = b"welcome\n"
            except (OSError, ValueError):
                pass
            dismiss(connection, words)
    finally:
        listener.close()
        try:
            found = os.lstat(path)
            if found.st_ino == made.st_ino and found.st_dev == made.st_dev:
                os.remove(path)
        except FileNotFoundError:
            pass
