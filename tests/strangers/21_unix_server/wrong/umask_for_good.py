# expect: fail
# gap: other
# cause: The umask is changed and never put back: what the caller makes later has a mode that nobody chose.
# shows: serve() fails after the bind(), and the caller looks at its umask.
# says: serve() has changed the umask, and does not put it back
import errno
import fcntl
import os
import socket
import stat
import threading
from pathlib import Path

FINAL = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def bind_privately(listener, path):
    os.umask(0o177)
    listener.bind(path)


def has_a_server(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(0)
        try:
            client.connect(path)
        except ConnectionRefusedError:
            return False
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EPROTOTYPE):
                raise
        return True


def take(listener, path):
    try:
        bind_privately(listener, path)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        if not stat.S_ISSOCK(Path(path).lstat().st_mode) or has_a_server(path):
            raise
        Path(path).unlink()
        bind_privately(listener, path)


def attend(connection):
    with connection:
        try:
            for data in iter(lambda: connection.recv(1024), b""):
                connection.sendall(data)
        except OSError:
            pass


def accept_all(listener):
    moment = threading.Event()
    while True:
        try:
            connection, _ = listener.accept()
        except OSError as error:
            if error.errno in FINAL:
                raise
            moment.wait(0.01)
        else:
            threading.Thread(target=attend, args=(connection,), daemon=True).start()


def serve(path):
    if path == "" or "\0" in path:
        raise ValueError("a path is wanted")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, "too long for a socket", path)
    with socket.socket(socket.AF_UNIX) as listener:
        directory = os.open(Path(path).parent, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            take(listener, path)
            own = Path(path).lstat()
            try:
                listener.listen()
            except OSError:
                Path(path).unlink()
                raise
        finally:
            os.close(directory)
        try:
            accept_all(listener)
        finally:
            try:
                now = Path(path).lstat()
            except FileNotFoundError:
                pass
            else:
                if (now.st_dev, now.st_ino) == (own.st_dev, own.st_ino):
                    Path(path).unlink()
