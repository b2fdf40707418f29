# expect: pass
# gap: none
# cause: none, it is right: probes with a datagram socket (any bound stream socket answers EPROTOTYPE at once), works relative to the locked folder, and a worker thread talks while accept waits for it.
# shows: never
import errno
import os
import queue
import socket
import stat
import threading
import time
from fcntl import LOCK_EX, LOCK_UN, flock


def fail(code):
    raise OSError(code, os.strerror(code))


def must_be_free(folder, base, name):
    """After it nothing is at the name, or it has raised."""
    try:
        st = os.stat(base, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_IFMT(st.st_mode) != stat.S_IFSOCK:
        fail(errno.EADDRINUSE)
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    probe.setblocking(False)
    code = probe.connect_ex(name)
    while code == errno.EINTR:
        code = probe.connect_ex(name)
    probe.close()
    # EPERM: a live datagram server that is connected to somebody else
    if code in (0, errno.EISCONN, errno.EPROTOTYPE, errno.EAGAIN, errno.EPERM):
        fail(errno.EADDRINUSE)
    if code == errno.ECONNREFUSED:
        os.unlink(base, dir_fd=folder)
    elif code != errno.ENOENT:
        fail(code)


def echo(conn):
    conn.settimeout(None)
    while True:
        data, _, _, _ = conn.recvmsg(4096)
        if not data:
            break
        done = 0
        while done < len(data):
            done += conn.sendmsg([memoryview(data)[done:]], [], socket.MSG_NOSIGNAL)


def worker(todo, done):
    while True:
        conn = todo.get()
        if conn is None:
            return
        try:
            echo(conn)
        except OSError:
            pass
        finally:
            conn.close()
            del conn
            done.put(True)


def serve_clients(listener, todo, done):
    while True:
        try:
            conn = listener.accept()[0]
        except OSError as e:
            if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            time.sleep(0.05)
            continue
        todo.put(conn)
        try:
            done.get()
        except BaseException:           # Ctrl-C: the helper shall not wait for this client
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            raise
        del conn


def serve(path: str) -> None:
    if not path or "\0" in path:
        raise ValueError("path")
    name = os.fsencode(path)
    if len(name) > 107:
        fail(errno.ENAMETOOLONG)
    head, base = os.path.split(name)
    if not base:                        # ends in a slash: only a folder can be there
        base = b"."
    folder = os.open(head or b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    listener = None
    made = None
    todo, done = queue.SimpleQueue(), queue.SimpleQueue()
    helper = threading.Thread(target=worker, args=(todo, done), daemon=True)
    try:
        flock(folder, LOCK_EX)
        must_be_free(folder, base, name)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.settimeout(None)
        listener.bind(name)
        made = os.stat(base, dir_fd=folder, follow_symlinks=False)
        os.chmod(base, 0o600, dir_fd=folder)
        listener.listen()
        flock(folder, LOCK_UN)
        try:
            helper.start()
        except RuntimeError:
            fail(errno.EAGAIN)
        try:
            serve_clients(listener, todo, done)
        finally:
            todo.put(None)
            helper.join()
    finally:
        if made is not None:
            try:
                now = os.stat(base, dir_fd=folder, follow_symlinks=False)
                if os.path.samestat(now, made):
                    os.unlink(base, dir_fd=folder)
            except OSError:
                pass
        if listener is not None:
            try:
                listener.close()
            except OSError:
                pass
        os.close(folder)
