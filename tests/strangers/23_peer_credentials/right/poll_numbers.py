# expect: pass
# gap: none
# cause: Works on bare numbers with select.poll(), os.write() and os.close()
# shows: -
import errno
import os
import select
import socket
import time
from struct import unpack_from


def peer_of(sock):
    told = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 16)
    pid, = unpack_from("i", told, 0)
    uid, = unpack_from("I", told, 4)
    gid, = unpack_from("I", told, 8)
    if ~uid & 0xFFFFFFFF == 0:
        raise OSError(errno.ENOTCONN, "nobody")
    return pid, uid, gid


def put(number, data):
    done = 0
    while done < len(data):
        done += os.write(number, data[done:])


def check(path):
    try:
        encoded = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise ValueError(path) from None
    if not encoded or encoded.count(b"\0"):
        raise ValueError(path)
    if len(encoded) >= 108:
        raise OSError(errno.ENAMETOOLONG, "path")


def serve(path, allowed):
    check(path)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.setblocking(False)
    made = None
    try:
        s.bind(path)
        made = os.stat(path)
        os.chmod(path, 0o666)
        s.listen(5)
        p = select.poll()
        p.register(s, select.POLLIN)
        while 1:
            p.poll()
            try:
                c, _ = s.accept()
            except BlockingIOError:
                continue
            except OSError as e:
                if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                time.sleep(0.001)
                continue
            try:
                user = peer_of(c)[1]
            except OSError:
                user = -1
            c.setblocking(True)
            n = c.detach()
            try:
                put(n, b"welcome\n" if user in allowed and user >= 0 else b"denied\n")
            except OSError:
                pass
            os.close(n)
    finally:
        s.close()
        if made:
            try:
                there = os.lstat(path)
            except FileNotFoundError:
                there = None
            if there and (there.st_ino, there.st_dev) == (made.st_ino, made.st_dev):
                os.unlink(path)
