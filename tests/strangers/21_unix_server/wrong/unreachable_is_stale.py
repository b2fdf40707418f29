# expect: fail
# gap: other
# cause: Every failure of the probe but EAGAIN and EPROTOTYPE is taken for a dead server, also PermissionError, which says nothing about whether somebody listens.
# shows: An unprivileged serve on a socket that it may not connect to (mode 0), in a folder where it may write, removes the file and serves instead of raising EACCES.
# says: has ended with EACCES
import errno
import fcntl
import os
import socket
import stat
import threading

ENDS = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def refuse(code, path):
    raise OSError(code, os.strerror(code), path)


def alive(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.setblocking(False)
        try:
            s.connect(path)
        except OSError as e:
            return e.errno in (errno.EAGAIN, errno.EPROTOTYPE)
        return True


def prepare(path, sock):
    where = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(where, fcntl.LOCK_EX)
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            pass
        else:
            if not stat.S_ISSOCK(mode) or alive(path):
                refuse(errno.EADDRINUSE, path)
            os.unlink(path)
        sock.bind(path)
        st = os.lstat(path)
        try:
            os.chmod(path, 0o600)
            sock.listen(5)
        except OSError:
            os.unlink(path)
            raise
        return st.st_dev, st.st_ino
    finally:
        os.close(where)


def echo(conn):
    try:
        while True:
            data = conn.recv(1000)
            if not data:
                break
            conn.sendall(data, socket.MSG_NOSIGNAL)
    except OSError:
        pass
    finally:
        conn.close()


def serve(path):
    if not path or "\0" in path:
        raise ValueError("path")
    if len(os.fsencode(path)) > 107:
        refuse(errno.ENAMETOOLONG, path)
    pause = threading.Event()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        mine = prepare(path, sock)
        try:
            while True:
                try:
                    conn, _ = sock.accept()
                except OSError as e:
                    if e.errno in ENDS:
                        raise
                    pause.wait(0.05)
                    continue
                echo(conn)
        finally:
            try:
                st = os.lstat(path)
                if mine == (st.st_dev, st.st_ino):
                    os.unlink(path)
            except OSError:
                pass
    finally:
        sock.close()
