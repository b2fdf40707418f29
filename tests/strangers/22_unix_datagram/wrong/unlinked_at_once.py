# expect: fail
# gap: other
# cause: The path is removed before the answer has come: the server cannot reach it any more.
# shows: Every answer.
# says: unlink() removes the path of the own address before the answer has come
import errno
import math
import os
import socket
import tempfile
import time


def ask(path, question, seconds):
    if math.isnan(seconds) or seconds < 0:
        raise ValueError(f"no time limit: {seconds}")
    if len(question) > 1 << 16:
        raise ValueError(f"a question of {len(question)} bytes")
    if path == "" or "\0" in path:
        raise ValueError(f"no path: {path!r}")
    if len(os.fsencode(path)) > 107:
        raise OSError(errno.ENAMETOOLONG, "the path is too long for an address")
    end = time.monotonic() + seconds

    with (
        tempfile.TemporaryDirectory(prefix="ask.") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client,
    ):
        client.connect(path)
        client.bind(os.path.join(folder, "client"))
        os.unlink(os.path.join(folder, "client"))
        try:
            client.settimeout(max(0, end - time.monotonic()))
            client.send(question)
            client.settimeout(max(0, end - time.monotonic()))
            room = bytearray((1 << 16) + 1)
            count = client.recv_into(room)
        except BlockingIOError:  # what a limit of 0 comes to
            raise TimeoutError("no answer at once") from None
    if count == len(room):
        raise OSError(errno.EMSGSIZE, "the answer is too long")
    return bytes(room[:count])
