# expect: fail
# gap: other
# cause: Reads a request before it answers, as most servers do.
# shows: A client says nothing.
# says: to say something, and
import errno
import os
import socket
import struct
import time


def peer_of(sock):
    pid, uid, gid = struct.Struct("iII").unpack(sock.getsockopt(1, 17, 12))
    if uid == 2**32 - 1:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
    return pid, uid, gid


def child(connection, allowed):
    word = b"denied\n"
    try:
        connection.recv(100)
        if peer_of(connection)[1] in allowed:
            word = b"welcome\n"
    except OSError:
        pass
    try:
        while word:
            word = word[os.write(connection.fileno(), word) :]
    except OSError:
        pass
    os._exit(0)


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def serve(path, allowed):
    if not path or "\0" in path:
        raise ValueError("bad path")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, "too long")
    door = socket.socket(socket.AF_UNIX)
    try:
        door.bind(path)
        ident = os.lstat(path).st_ino
        try:
            os.chmod(path, 0o666)
            door.listen(64)
            while True:
                try:
                    connection = door.accept()[0]
                except OSError as e:
                    if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                    time.sleep(0.01)
                    continue
                reap()
                with connection:
                    try:
                        if os.fork() == 0:
                            door.close()
                            child(connection, allowed)
                    except OSError:
                        pass
        finally:
            reap()
            try:
                if os.lstat(path).st_ino == ident:
                    os.unlink(path)
            except FileNotFoundError:
                pass
    finally:
        door.close()
