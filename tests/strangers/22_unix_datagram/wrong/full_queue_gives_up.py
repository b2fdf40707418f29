# expect: fail
# gap: other
# cause: The limit is kept for the answer only; a send that would block because the server's queue is full is reported as a time-out at once.
# shows: The server's queue is full for a fraction of the limit: ask raises TimeoutError immediately instead of sending as soon as there is room.
# says: raised TimeoutError after 0 s of the 3 s it was given
import errno
import os
import socket
import time


def ask(path, question, seconds):
    if not path or "\0" in path:
        raise ValueError("path")
    if not seconds >= 0:
        raise ValueError("seconds")
    if len(question) > 65536:
        raise ValueError("question")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
    late = TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    end = time.monotonic() + seconds
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.connect(path)
        sock.bind("")
        try:
            sock.send(question, socket.MSG_DONTWAIT)
        except BlockingIOError:
            raise late from None
        while True:
            over = time.monotonic() >= end
            try:
                answer, _, flags, _ = sock.recvmsg(65536, 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                if over:
                    raise late from None
                time.sleep(0.005)
            else:
                break
    finally:
        sock.close()
    if flags & socket.MSG_TRUNC:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    return answer
