# expect: pass
# gap: none
# cause: a process for each client, an umask for the mode, and a lock that is asked for until it is had
# shows: -
import errno
import fcntl
import os
import signal
import socket
import stat
import time
from contextlib import contextmanager
from pathlib import Path

GONE = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


@contextmanager
def turn(folder):
    fd = os.open(folder, os.O_RDONLY)
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            os.close(fd)
            raise
    try:
        yield
    finally:
        os.close(fd)


def is_dead(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.setblocking(False)
        number = s.connect_ex(str(path))
    if number == errno.ECONNREFUSED:
        return True
    if number in (0, errno.EAGAIN, errno.EPROTOTYPE):
        raise OSError(errno.EADDRINUSE, "in use")
    raise OSError(number, os.strerror(number))


def occupy(path):
    s = socket.socket(socket.AF_UNIX)
    try:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            pass
        else:
            if not stat.S_ISSOCK(mode):
                raise OSError(errno.EADDRINUSE, "no socket")
            if is_dead(path):
                path.unlink()
        before = os.umask(0o177)
        try:
            s.bind(str(path))
        finally:
            os.umask(before)
        try:
            s.listen(64)
            return s, path.lstat()
        except OSError:
            path.unlink()
            raise
    except OSError:
        s.close()
        raise


def child(connection):
    try:
        while True:
            data = connection.recv(65536)
            if not data:
                break
            view = memoryview(data)
            while view:
                view = view[connection.send(view) :]
    except OSError:
        pass
    os._exit(0)


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def serve(path):
    if not path or "\0" in path:
        raise ValueError(path)
    if len(os.fsencode(path)) >= 108:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    place = Path(path)
    with turn(place.parent):
        listener, own = occupy(place)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as e:
                if e.errno in GONE:
                    raise
                time.sleep(0.01)
                continue
            reap()
            with connection:
                try:
                    pid = os.fork()
                except OSError:
                    continue
                if pid == 0:
                    listener.close()
                    child(connection)
    finally:
        reap()
        try:
            if place.lstat()[1:3] == own[1:3]:
                place.unlink()
        except FileNotFoundError:
            pass
        listener.close()
