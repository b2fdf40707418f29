# expect: fail
# gap: other
# cause: The error of the first address is reported, not that of the last.
# shows: The first address is silent, the second one refuses.
# says: raised TimeoutError: no reply within the limit; expected ConnectionRefusedError
import contextlib
import select
import socket
import time
import uuid


def _take(sock):
    length = sock.recv_into(bytearray(1), 0, socket.MSG_PEEK | socket.MSG_TRUNC) or 1
    return sock.recv(max(length, 65536))


def _attempt(sock, key, seconds):
    poller = select.epoll()
    with contextlib.closing(poller):
        poller.register(sock.fileno(), select.EPOLLIN)
        deadline = time.perf_counter() + seconds
        while True:
            left = deadline - time.perf_counter()
            if left <= 0 or not poller.poll(left):
                raise TimeoutError("no reply within the limit")
            datagram = _take(sock)
            if datagram.startswith(key):
                return datagram.removeprefix(key)


def query(host, port, question, attempts, seconds):
    match attempts, seconds:
        case (int(n), s) if n >= 1 and s >= 0:
            pass
        case _:
            raise ValueError("attempts or seconds")
    key = uuid.uuid4().bytes[:2]
    errors = []
    for family, kind, proto, _name, addr in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
        with contextlib.ExitStack() as stack:
            try:
                sock = stack.enter_context(socket.socket(family, kind, proto))
                sock.connect(addr)
                left = attempts
                while left:
                    left -= 1
                    sock.sendmsg([key, question])
                    try:
                        return _attempt(sock, key, seconds)
                    except TimeoutError as silence:
                        errors.append(silence)
            except OSError as error:
                errors.append(error)
    raise errors[0]
