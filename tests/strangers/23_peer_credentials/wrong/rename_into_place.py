# expect: fail
# gap: robbed-server
# cause: the socket is bound under a temporary name, given its mode and renamed to the path, so that it appears there complete; rename replaces what is there, where bind would have said EADDRINUSE
# shows: when the path exists already (a regular file, a stale socket, another server's): it is gone, and the server runs
# says: rename() removes the path of a server that is alive; nothing has asked whether it is
import errno
import os
import random
import selectors
import socket
import string
import struct
import time


def peer_of(sock):
    fields = struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if fields[1] == 0xFFFFFFFF:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
    return fields


def bind_spare(listener, path):
    """Bind beside path, under a name that is as long as path's own."""
    head, base = os.path.split(path)
    length = max(len(os.fsencode(base)), 1)
    for _ in range(100):
        spare = os.path.join(head, "".join(random.choices(string.ascii_letters, k=length)))
        if os.path.lexists(spare):
            continue
        try:
            listener.bind(spare)
            return spare
        except OSError as e:
            if e.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def admit(listener, allowed):
    conn, _ = listener.accept()
    with conn:
        try:
            known = peer_of(conn)[1] in allowed
        except OSError:
            known = False
        try:
            conn.sendall((b"denied\n", b"welcome\n")[known], socket.MSG_NOSIGNAL)
        except OSError:
            pass


def serve(path, allowed):
    if not path or "\0" in path:
        raise ValueError("bad path")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, selectors.DefaultSelector() as watch:
        at = bind_spare(listener, path)
        made = os.lstat(at)
        try:
            os.chmod(at, 0o666)
            os.rename(at, path)
            at = path
            listener.listen(64)
            watch.register(listener, selectors.EVENT_READ)
            while True:
                watch.select()
                try:
                    admit(listener, allowed)
                except OSError as e:
                    if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                        raise
                    time.sleep(0.05)
        finally:
            try:
                if os.path.samestat(made, os.lstat(at)):
                    os.unlink(at)
            except OSError:
                pass
