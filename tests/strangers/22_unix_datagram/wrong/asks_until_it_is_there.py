# expect: fail
# gap: other
# cause: It tries to connect until the time is up, where it should say at once that nobody is there.
# shows: No server at the path.
# says: sleeps in sleep()
import errno
import os
import select
import socket
import time
from collections.abc import Callable
from typing import Any

LONGEST = 107  # bytes of a path that fit into an address
LARGEST = 65536  # bytes of a question or an answer


def by(deadline: float, sock: socket.socket, event: int, call: Callable[[], Any]) -> Any:
    """What a call returns, once the socket is ready for it.

    Raises:
        TimeoutError: the deadline has passed, and it is not.
    """
    waiter = select.poll()
    waiter.register(sock, event)
    while True:
        try:
            return call()
        except BlockingIOError:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no answer in time") from None
            waiter.poll(left * 1000)


def ask(path: str, question: bytes, seconds: float) -> bytes:
    """Send a question to the server at path; return its answer.

    Raises:
        ValueError: no path, too long a question, or no time limit.
        TimeoutError: the time is up.
        OSError: EMSGSIZE, ENAMETOOLONG; there is no such server.
    """
    if not path or "\0" in path or len(question) > LARGEST or not seconds >= 0:
        raise ValueError("a path, a question of at most 65,536 bytes and a time limit are needed")
    if len(os.fsencode(path)) > LONGEST:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        while sock.connect_ex(path):
            if time.monotonic() >= deadline:
                raise TimeoutError("no server")
            time.sleep(0.01)
        sock.bind("")  # an abstract address of the kernel's choice, gone when it is closed
        by(deadline, sock, select.POLLOUT, lambda: sock.send(question))
        answer = by(deadline, sock, select.POLLIN, lambda: sock.recv(LARGEST + 1))
    if len(answer) > LARGEST:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE), path)
    return answer
