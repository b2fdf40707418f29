# expect: pass
# gap: none
# cause: nothing is wrong; the caller's thread accepts, a worker takes the connections from a queue and is joined at the end
# shows: never
import array
import errno
import os
import queue
import socket
import threading
import time

_STOP = None


def peer_of(sock):
    words = array.array("I", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    pid, uid, gid = words
    if uid == 2**32 - 1:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
    return int(pid), int(uid), int(gid)


def _work(jobs, allowed):
    while (conn := jobs.get()) is not _STOP:
        admitted = False
        try:
            try:
                admitted = any(peer_of(conn)[1] == uid for uid in allowed)
            except OSError:
                admitted = False
            conn.sendall([b"denied\n", b"welcome\n"][admitted], socket.MSG_NOSIGNAL)
        except OSError:
            pass
        finally:
            conn.close()
        del conn


def _accept_all(listener, jobs):
    while True:
        try:
            jobs.put(listener.accept()[0])
        except OSError as e:
            match e.errno:
                case errno.EBADF | errno.EINVAL | errno.ENOTSOCK | errno.EFAULT:
                    raise
                case errno.ECONNABORTED | errno.EINTR:
                    pass
                case _:
                    time.sleep(0.05)


def serve(path, allowed):
    if not path or "\0" in path:
        raise ValueError("path")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    jobs = queue.SimpleQueue()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(True)
        listener.bind(path)
        mine = os.lstat(path)
        try:
            os.chmod(path, 0o666)
            worker = threading.Thread(target=_work, args=(jobs, tuple(allowed)))
            worker.start()
            try:
                listener.listen(100)
                _accept_all(listener, jobs)
            finally:
                jobs.put(_STOP)
                worker.join()
        finally:
            try:
                there = os.lstat(path)
                if (there.st_ino, there.st_dev) == (mine.st_ino, mine.st_dev):
                    os.unlink(path)
            except OSError:
                pass
    finally:
        listener.close()
