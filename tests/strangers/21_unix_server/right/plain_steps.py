# expect: pass
# gap: none
# cause: none, it is right: lock, look, probe, bind, chmod, listen, unlock, then one client after the other.
# shows: never
import errno
import fcntl
import os
import socket
import stat
import time

FATAL = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT)


def check_path(path):
    if not path or "\0" in path:
        raise ValueError("bad path")
    raw = os.fsencode(path)
    if len(raw) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
    return raw


def in_use(raw):
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), os.fsdecode(raw))


def clear(raw):
    """Makes room for bind, or says who is there."""
    try:
        mode = os.lstat(raw).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        in_use(raw)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        code = probe.connect_ex(raw)
        while code == errno.EINTR:
            code = probe.connect_ex(raw)
    if code in (0, errno.EISCONN, errno.EAGAIN, errno.EPROTOTYPE):
        in_use(raw)
    if code == errno.ENOENT:
        return
    if code != errno.ECONNREFUSED:
        raise OSError(code, os.strerror(code), os.fsdecode(raw))
    os.unlink(raw)


def remove_ours(raw, mine):
    try:
        now = os.lstat(raw)
        if (now.st_dev, now.st_ino) == mine:
            os.unlink(raw)
    except OSError:
        pass


def talk(client):
    try:
        while True:
            data = client.recv(16384)
            if not data:
                return
            client.sendall(data, socket.MSG_NOSIGNAL)
    except OSError:
        return


def serve(path):
    raw = check_path(path)
    listener = None
    mine = None
    try:
        lock = os.open(os.path.dirname(raw) or b".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            clear(raw)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.settimeout(None)
            listener.bind(raw)
            info = os.lstat(raw)
            mine = (info.st_dev, info.st_ino)
            os.chmod(raw, 0o600)
            listener.listen(64)
        finally:
            os.close(lock)
        while True:
            try:
                client, _ = listener.accept()
            except OSError as e:
                if e.errno in FATAL:
                    raise
                if e.errno not in (errno.ECONNABORTED, errno.EINTR):
                    time.sleep(0.05)
                continue
            with client:
                client.settimeout(None)
                talk(client)
    finally:
        # while the listener still pins its inode, the number cannot be another file's
        if mine is not None:
            remove_ours(raw, mine)
        if listener is not None:
            try:
                listener.close()
            except OSError:
                pass
